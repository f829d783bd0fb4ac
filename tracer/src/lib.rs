//! tracer says where and why a packet disappears inside a Linux node.

pub mod cli;
pub mod enrich;
pub mod model;
pub mod output;
