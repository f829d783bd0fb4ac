//! The machine that a guest runs on, and how long it may take.

use std::time::Duration;

use super::{accel::Accel, image::Image};

/// The machine to boot.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Kernel and base image.
    pub image: Image,
    /// The name of the console's log file.
    pub name: String,
    /// Virtual processors.
    pub smp: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// What executes the guest's instructions.
    pub accel: Accel,
}

/// When to stop a guest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The longest silence on all channels together, once the guest is up.
    pub silence: Option<Duration>,
    /// The longest run altogether.
    pub total: Option<Duration>,
}
