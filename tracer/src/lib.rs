//! tracer says where and why a packet disappears inside a Linux node.

pub mod model;
