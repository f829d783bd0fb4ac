//! Compiles a crate of eBPF programs. For the build scripts of the crates that carry the objects.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use aya_build::{Package, Toolchain, build_ebpf};

/// Compiles the crate `name` in the folder `root` for the running target. Returns the object, in `OUT_DIR`.
pub fn compile(name: &str, root: &str) -> Result<PathBuf> {
    if which::which("bpf-linker").is_err() {
        bail!("bpf-linker is not on PATH; build with `cargo xtask build`, which installs it");
    }
    let toolchain = env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "stable".to_owned());
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let shared = shared_by_profiles(&out).context("cargo's OUT_DIR lies in its target folder")?;
    fs::create_dir_all(&shared).with_context(|| format!("creating {}", shared.display()))?;
    // SAFETY: a build script is single-threaded until `build_ebpf` starts its own.
    // The stable compiler builds for the BPF target only with its unstable options unlocked.
    // aya-build turns each line of cargo's progress into a warning of ours: only real ones may pass.
    unsafe {
        env::set_var("RUSTC_BOOTSTRAP", "1");
        env::set_var("CARGO_TERM_QUIET", "true");
        env::set_var("OUT_DIR", &shared);
    }
    let package = Package { name, root_dir: root, ..Package::default() };
    build_ebpf([package], Toolchain::Custom(&toolchain)).context("building the eBPF programs")?;
    let object = out.join(name);
    fs::copy(shared.join(name), &object).context("copying the eBPF object")?;
    Ok(object)
}

/// The programs are the same whatever profile the user space is built with, so that they are compiled once, in a folder
/// beside those of the profiles. `OUT_DIR` is `TARGET/PROFILE/build/CRATE-HASH/out`.
fn shared_by_profiles(out: &Path) -> Option<PathBuf> {
    out.ancestors().nth(4).map(|target| target.join("ebpf"))
}
