//! Where records come from: the running kernel's ring buffer, or a capture file.

pub mod capture;
pub mod ring;
