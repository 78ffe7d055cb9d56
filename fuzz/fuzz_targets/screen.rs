//! Whatever a server says, and whatever is pressed meanwhile, the terminal client goes on and shows nothing raw.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terminal::play_hostile_server(bytes));
