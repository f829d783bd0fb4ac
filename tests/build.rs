//! Compiles the lab's tc programs for the running target and leaves the object in `OUT_DIR`.

use anyhow::{Context as _, Result, bail};
use aya_build::{Package, Toolchain, build_ebpf};

fn main() -> Result<()> {
    if which::which("bpf-linker").is_err() {
        bail!("bpf-linker is not on PATH; build with `cargo xtask build`, which installs it");
    }
    let toolchain = std::env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "stable".to_owned());
    // SAFETY: a build script is single-threaded until `build_ebpf` starts its own.
    // The stable compiler builds for the BPF target only with its unstable options unlocked.
    // aya-build turns each line of cargo's progress into a warning of ours: only real ones may pass.
    unsafe {
        std::env::set_var("RUSTC_BOOTSTRAP", "1");
        std::env::set_var("CARGO_TERM_QUIET", "true");
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/lab-ebpf");
    let package = Package { name: "lab-ebpf", root_dir: root, ..Package::default() };
    build_ebpf([package], Toolchain::Custom(&toolchain)).context("building the eBPF programs")
}
