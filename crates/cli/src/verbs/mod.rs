//! One file per verb: its arguments and what it does.

pub mod bench;
pub mod demo;
pub mod generate;
pub mod ls;
pub mod painter;
pub mod publish;
pub mod subscribe;
pub mod top;
