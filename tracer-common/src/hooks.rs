//! The one table of hooks, shared by both sides.

mod table;
pub mod way;

pub use table::{HOOKS, hook};

/// The id of a hook, as records carry it: a row of [`HOOKS`] counted from 1, or a hook that user space adds behind them
/// for one run.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HookId(pub u16);

impl HookId {
    /// Returns the hook's row in [`HOOKS`], if it is a fixed one.
    #[must_use]
    pub const fn fixed(self) -> Option<&'static Hook> {
        match (self.0 as usize).checked_sub(1) {
            Some(row) if row < HOOKS.len() => Some(&HOOKS[row]),
            _ => None,
        }
    }

    /// Returns the cookie of the hook's place within a `kprobe.multi`, by which the program there knows the hook.
    #[must_use]
    pub const fn cookie(self) -> u64 {
        self.0 as u64
    }

    /// Returns the hook whose [`cookie`](Self::cookie) this is.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "only the lower half is set")]
    pub const fn from_cookie(cookie: u64) -> Self {
        Self(cookie as u16)
    }

    /// Returns the function or tracepoint of a fixed hook; empty for any other.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.fixed() {
            Some(hook) => hook.name,
            None => "",
        }
    }
}

/// A place in the kernel where packets are seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hook {
    /// Id, the row counted from 1.
    pub id: HookId,
    /// Kernel function or tracepoint.
    pub name: &'static str,
    /// What kind of place it is.
    pub site: Site,
    /// Structures that the leading arguments point to; an empty name accepts any. A kernel with other arguments
    /// does not get the hook.
    pub arguments: &'static [&'static str],
    /// When its programs run.
    pub programs: &'static [Program],
    /// The method to attach it by if the kernel supports several.
    pub best: Best,
    /// Name of the hook that this one stands in for if that cannot be attached; `None` for a hook that is always
    /// attached.
    pub instead_of: Option<&'static str>,
    /// Within one `kprobe.multi`, hooks of the same body share the program `shared_…` of this name; `None` for a
    /// program of its own. The kernel takes 0.05 s to verify each program in an emulated guest.
    pub shared: Option<&'static str>,
    /// Whether packets end at this hook.
    pub ends_packets: bool,
}

/// What kind of place a hook is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Site {
    /// A function of vmlinux, or of a module.
    Function {
        /// Module name; `None` for vmlinux.
        module: Option<&'static str>,
    },
    /// A tracepoint.
    Tracepoint {
        /// Category: a directory of `events/`.
        category: &'static str,
    },
    /// Every BPF program that packets pass, including those that are loaded later.
    Program,
}

impl Site {
    /// Returns the module that a function is in; `None` for vmlinux and for anything but a function.
    #[must_use]
    pub fn module(self) -> Option<&'static str> {
        match self {
            Self::Function { module } => module,
            Self::Tracepoint { .. } | Self::Program => None,
        }
    }
}

/// The best method to attach a function by. Each hit costs the packet instructions, and detaching takes time. The
/// figures were measured on 6.18.15.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Best {
    /// For functions that each packet passes several times, or whose return is needed. A hit takes 113
    /// instructions. Detaching takes 0.1 to 0.2 s for each function, one after the other.
    Fentry,
    /// For functions that each packet passes. A hit takes 322 instructions, detaching 0.03 s for each function.
    Kprobe,
    /// For functions that few packets pass. A hit takes 365 instructions and a tail call, detaching 0.15 s for all
    /// of them.
    KprobeMulti,
}

/// When a program of a hook runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// When the function is entered, or the tracepoint is hit.
    Entry,
    /// When the function returns.
    Return,
}
