//! The other process of a test; see `framebus_testing::peer`.

fn main() {
    framebus_testing::peer::run();
}
