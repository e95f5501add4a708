//! Kills publishers and subscribers, and looks at who is left; see `framebus_testing::harness`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    framebus_testing::harness::run(&arguments)
}
