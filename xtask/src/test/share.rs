//! Selects the causes that a plain run plays on kernels other than the default one. Each run plays another third, so
//! that three runs in a row on one machine play all of them.

use std::{env, fs, path::PathBuf};

use crate::workspace;

/// Number of runs that play everything.
const OF: usize = 3;

/// The share of one run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share(usize);

impl Share {
    /// Returns the share after that of the last run on this machine.
    pub fn next() -> Self {
        let file = file();
        let last =
            file.as_ref().and_then(|file| fs::read_to_string(file).ok()).and_then(|text| text.trim().parse().ok());
        let share = Self::after(last);
        // If the home folder cannot be written, the next run only plays the same share again.
        if let Some(file) = file {
            let _ = file.parent().map(fs::create_dir_all);
            let _ = workspace::write_atomically(&file, format!("{}\n", share.0).as_bytes());
        }
        share
    }

    fn after(last: Option<usize>) -> Self {
        Self(last.map_or(0, |last| last.wrapping_add(1) % OF))
    }

    /// Whether the share includes this variant on this kernel, both counted from 0. Within one run, kernels play
    /// different variants.
    pub fn includes(self, kernel: usize, variant: usize) -> bool {
        (variant + kernel + self.0).is_multiple_of(OF)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "share {} of {OF}", self.0 + 1)
    }
}

/// Returns where the last run's share is kept (XDG base directories). The file is not below `target`, which a fresh
/// clone lacks.
fn file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("tracer-xtask/share"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_runs_in_a_row_play_each_variant_on_each_kernel_once() {
        for (kernel, variant) in (0..5).flat_map(|kernel| (0..7).map(move |variant| (kernel, variant))) {
            let mut share = Share::after(Some(1));
            let mut times = 0;
            for _ in 0..OF {
                times += usize::from(share.includes(kernel, variant));
                share = Share::after(Some(share.0));
            }
            assert_eq!(times, 1, "variant {variant} on kernel {kernel}");
        }
    }

    #[test]
    fn a_damaged_state_begins_with_the_first_share() {
        assert_eq!(Share::after(None).to_string(), "share 1 of 3");
        assert_eq!(Share::after(Some(usize::MAX)), Share(0));
    }
}
