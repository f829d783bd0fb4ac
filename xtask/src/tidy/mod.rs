//! `cargo xtask tidy`: checks the tree against `ARCHITECTURE.md`.

mod circles;
mod documents;
mod imports;
mod length;
mod source;

use anyhow::Result;
use source::Tree;

use crate::workspace;

/// Prints each fault as a sentence. Returns 1 if there are any.
pub fn tidy() -> Result<i32> {
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
    Ok(faults)
}
