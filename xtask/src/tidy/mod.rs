//! `cargo xtask tidy`: checks the tree against `ARCHITECTURE.md`.

mod circles;
mod documents;
mod imports;
mod length;
mod misspellings;
mod public_api;
mod source;
mod spelling;

use anyhow::Result;
use source::Tree;

use crate::workspace;

/// Check the tree against ARCHITECTURE.md: imports, file lengths, paths in documents, the public API, and spelling
#[derive(clap::Args)]
pub struct TidyArgs {
    /// First write the list of what the library publishes, tracer/public-api.txt
    #[arg(long)]
    write: bool,
}

/// Prints each fault as a sentence. Returns 1 if there are any.
pub fn tidy(args: &TidyArgs) -> Result<i32> {
    if args.write {
        public_api::write(workspace::root())?;
    }
    let faults = faults()?;
    faults.iter().for_each(|fault| println!("{fault}"));
    if faults.is_empty() {
        println!("ok tidy");
    }
    Ok(i32::from(!faults.is_empty()))
}

/// Returns a sentence for each fault.
///
/// # Errors
/// If a source cannot be read or parsed.
pub fn faults() -> Result<Vec<String>> {
    let root = workspace::root();
    let mut faults = Vec::new();
    for name in ["tracer-common", "tracer-ebpf", "tracer", "tests/src/bin/lab", "tests/src/bin/scenarios", "xtask"] {
        let tree = Tree::read(root, name)?;
        faults.extend(circles::find(&tree));
        faults.extend(imports::find(&tree));
    }
    faults.extend(length::find(root)?);
    faults.extend(documents::find(root)?);
    faults.extend(public_api::find(root)?);
    faults.extend(spelling::find(root)?);
    Ok(faults)
}
