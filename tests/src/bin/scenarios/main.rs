//! `scenarios`
fn main() {}
