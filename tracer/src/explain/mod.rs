//! What findings and the kernel's drop reasons mean, for people. Pure data.

pub mod documents;
pub mod reasons;
