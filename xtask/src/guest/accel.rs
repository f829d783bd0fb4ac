//! Who executes a guest's instructions: the processor where that works, else QEMU itself.

use std::str::FromStr;

use anyhow::{Result, bail};

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

    /// What `--accel` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Counted => "counted",
        }
    }
}
