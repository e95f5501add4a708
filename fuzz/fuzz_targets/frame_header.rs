#![no_main]
//! Frame headers and layouts from anything.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    framebus_fuzz::frame_header(data);
});
