//! A small virtual machine with a chosen kernel, run for one command.

pub mod accel;
pub mod boot;
pub mod channel;
pub mod image;
pub mod kvm;
pub mod machine;
mod modinfo;
mod modules;
mod overlay;
mod packages;
pub mod peers;
mod process;
pub mod terminal;
pub mod tree;
