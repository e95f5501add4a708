#![no_main]
//! Messages of the control connection from anything.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    framebus_fuzz::handshake(data);
});
