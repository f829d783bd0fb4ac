//! The eBPF toolchain: a linker that emits BPF, and the sources of `core`.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{debian_rust, progress, rust_src, workspace};

/// `cargo install` arguments for the first bpf-linker release that fits our Rust's LLVM. The linker takes that LLVM
/// from rustc itself, and hardly runs code of its own: without optimization it is built two minutes sooner, and takes
/// five seconds more.
const LINKER: [&str; 7] =
    ["bpf-linker", "--version", "0.10.4", "--no-default-features", "--features", "rust-llvm-22", "--debug"];

/// A toolchain that can build everything in the workspace.
pub struct Toolchain {
    path: OsString,
    /// Debian's toolchain, if it replaces the active one.
    instead: Option<Instead>,
}

struct Instead {
    sysroot: &'static str,
    /// The folder in which bpf-linker finds the LLVM of that toolchain.
    libraries: PathBuf,
}

impl Toolchain {
    /// Returns cargo, to be run in the root of the repository and with the linker on its path.
    pub fn cargo(&self) -> Command {
        let mut command = match &self.instead {
            Some(instead) => {
                // Named by its path, because without rustup nothing else selects it.
                let mut command = Command::new(Path::new(instead.sysroot).join("bin/cargo"));
                // For the build scripts, which go through rustup if it is installed.
                command.env("RUSTUP_TOOLCHAIN", instead.sysroot).env("LD_LIBRARY_PATH", &instead.libraries);
                command
            }
            None => cargo(),
        };
        command.env("PATH", &self.path).current_dir(workspace::root());
        command
    }
}

/// Installs whatever is missing.
pub fn ensure() -> Result<Toolchain> {
    let instead = match rust_src::ensure(debian_rust::is_usable()) {
        Ok(()) => None,
        Err(error) => match debian_rust::install() {
            Ok(()) => Some(Instead { sysroot: debian_rust::SYSROOT, libraries: debian_rust::llvm_folder()? }),
            Err(other) => bail!("{error:#}; Debian's own Rust could not be used in its place ({other:#})"),
        },
    };
    let mut folders = vec![ensure_linker()?];
    folders.extend(instead.as_ref().map(|instead| Path::new(instead.sysroot).join("bin")));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path = env::join_paths(folders).context("PATH holds a folder with a colon in its name")?;
    progress::say("toolchain ready");
    Ok(Toolchain { path, instead })
}

/// Returns cargo for tasks without eBPF, such as `cargo fmt`. This is always the active toolchain's.
pub fn plain_cargo() -> Command {
    let mut command = cargo();
    command.current_dir(workspace::root());
    command
}

/// Returns the cargo that runs xtask.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn ensure_linker() -> Result<PathBuf> {
    let root = workspace::cache("tools")?;
    let bin = root.join("bin");
    if bin.join("bpf-linker").exists() {
        return Ok(bin);
    }
    progress::timed("installing bpf-linker (about a minute)", || {
        let status = cargo()
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&root)
            .args(LINKER)
            .current_dir(&root)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status()
            .context("cannot start cargo; is Rust installed?")?;
        if !status.success() {
            bail!(
                "bpf-linker could not be installed; see cargo's output above, then run this again or by \
                 hand: cargo install --locked --root {} {}",
                root.display(),
                LINKER.join(" ")
            );
        }
        Ok(())
    })?;
    Ok(bin)
}
