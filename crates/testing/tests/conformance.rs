//! The conformance suite of the platform layer, one test for each case.

use framebus_testing::conformance::CASES;
use framebus_testing::stage::Stage;

fn run(group: usize) {
    for (name, case) in CASES[group] {
        println!("{name}");
        case(&Stage::new(env!("CARGO_BIN_EXE_framebus-peer")));
    }
}

#[test]
fn segments() {
    run(0);
}

#[test]
fn channels() {
    run(1);
}

#[test]
fn wakes() {
    run(2);
}

#[test]
fn processes() {
    run(3);
}

#[test]
fn no_group_is_left_out() {
    assert_eq!(CASES.len(), 4);
    assert!(CASES.iter().all(|group| !group.is_empty()));
}
