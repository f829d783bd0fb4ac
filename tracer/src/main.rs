//! The `tracer` program.

fn main() {}
