//! Checks whether KVM works here.

use std::{
    fs::{self, OpenOptions},
    time::Duration,
};

use anyhow::Result;

use super::{
    accel::Accel,
    boot::{self, Session},
    image::Image,
    machine::{Limits, Machine},
};
use crate::{progress, workspace};

/// Returns the accelerator that works here. It is tried once, then remembered until the machine restarts.
pub fn choose(image: &Image) -> Result<Accel> {
    let openable = OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    if !openable {
        return Ok(Accel::Tcg);
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let verdict = workspace::cache("")?.join("accel");
    if let Ok(text) = fs::read_to_string(&verdict)
        && let Some((known, name)) = text.trim().split_once(' ')
        && known == boot.trim()
    {
        return name.parse();
    }
    let accel = if kvm_works(image) { Accel::Kvm } else { Accel::Tcg };
    progress::say(match accel {
        Accel::Kvm => "KVM works here",
        Accel::Tcg | Accel::Counted => "KVM does not work here; QEMU emulates the processor instead",
    });
    workspace::write_atomically(&verdict, format!("{} {}\n", boot.trim(), accel.name()).as_bytes())?;
    Ok(accel)
}

/// Whether KVM runs a guest. A KVM that opens can still fail, as on nested machines, so only a boot proves it.
fn kvm_works(image: &Image) -> bool {
    let machine = Machine { image: image.clone(), name: "probe".to_owned(), smp: 2, memory: 1024, accel: Accel::Kvm };
    let session = Session {
        command: "true".to_owned(),
        interactive: false,
        limits: Limits { silence: None, total: Some(Duration::from_secs(20)) },
        stdout: Box::new(|_| {}),
        stderr: Box::new(|_| {}),
    };
    matches!(boot::run(&machine, session), Ok(0))
}
