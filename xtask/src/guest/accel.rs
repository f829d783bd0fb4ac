//! Who executes a guest's instructions: the processor where that works, else QEMU itself.

use std::{
    fs::{self, OpenOptions},
    str::FromStr,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    boot::{self, Limits, Machine, Session},
    image::Image,
};
use crate::{progress, workspace};

/// How a guest is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// By the processor, through KVM.
    Kvm,
    /// By QEMU's emulation, which works everywhere.
    Tcg,
    /// The same, with a clock that counts instructions, a nanosecond each, for a guest of one processor. Time
    /// in which nothing runs is skipped.
    Counted,
}

impl FromStr for Accel {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "kvm" => Ok(Self::Kvm),
            "tcg" => Ok(Self::Tcg),
            "counted" => Ok(Self::Counted),
            other => bail!("there is no accelerator {other}; choose kvm, tcg or counted"),
        }
    }
}

impl Accel {
    /// QEMU's arguments for it.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            // One thread for all virtual processors: with a thread for each, QEMU 7.2 lets a processor run
            // code that another has just patched, and kernels die of a stray int3. It also returns
            // wrong flags from cmpxchg16b; without it kernels take another way. A fifth level of page
            // tables and wide registers only cost time: ciphers written for those take twice as long.
            Self::Tcg => &["-accel", "tcg,thread=single", "-cpu", "max,-cx16,-la57,-avx,-avx2"],
            Self::Counted => {
                &["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max,-cx16,-la57"]
            }
        }
    }

    /// What the kernel is told for it. An emulated guest need not guard itself against its processor, nor clear pages
    /// that it hands out. Where instructions are counted, the kernel is as others have it.
    pub fn kernel_arguments(self) -> &'static str {
        match self {
            Self::Kvm | Self::Counted => "loglevel=7",
            Self::Tcg => "loglevel=5 mitigations=off init_on_alloc=0 audit=0",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Counted => "counted",
        }
    }
}

/// The accelerator that works here: tried once, then remembered until the machine restarts.
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

/// A KVM that opens can still fail to run a guest, as on nested machines: only a boot can tell.
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
