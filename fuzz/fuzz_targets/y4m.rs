#![no_main]
//! y4m streams from anything.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    framebus_fuzz::y4m(data);
});
