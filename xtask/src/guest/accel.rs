//! What executes a guest's instructions: the processor if that works, otherwise QEMU itself.

use std::str::FromStr;

use anyhow::{Result, bail};

/// How a guest is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// By the processor, through KVM.
    Kvm,
    /// By QEMU's emulation, which works everywhere.
    Tcg,
    /// By QEMU's emulation, with a clock that counts each instruction as a nanosecond, for a guest of one processor.
    /// Idle time is skipped.
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
    /// Returns QEMU's arguments.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            // One thread for all virtual processors: with a thread for each, QEMU 7.2 lets a processor run code that
            // another has just patched, and kernels die of a stray int3. QEMU 7.2 also returns wrong flags from
            // cmpxchg16b; without that instruction, kernels use other code. A fifth level of page tables and wide
            // registers only cost time: ciphers written for such registers take twice as long.
            Self::Tcg => &["-accel", "tcg,thread=single", "-cpu", "max,-cx16,-la57,-avx,-avx2"],
            Self::Counted => {
                &["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max,-cx16,-la57"]
            }
        }
    }

    /// Returns the kernel's arguments. An emulated guest need not protect itself from its processor, nor clear the
    /// pages that it allocates. If instructions are counted, the kernel runs as it does elsewhere.
    pub fn kernel_arguments(self) -> &'static str {
        match self {
            Self::Kvm | Self::Counted => "loglevel=7",
            Self::Tcg => "loglevel=5 mitigations=off init_on_alloc=0 audit=0",
        }
    }

    /// Returns the name for `--accel`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Counted => "counted",
        }
    }
}
