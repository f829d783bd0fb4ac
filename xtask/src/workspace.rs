//! Locations: the repository, the target directory, and xtask's own folder in it.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Returns Cargo's target directory, as the user set it or as Cargo chooses it.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(&dir)))
}

/// Returns a folder below `<target>/xtask`, created if missing.
pub fn cache(folder: &str) -> Result<PathBuf> {
    let path = target().join("xtask").join(folder);
    fs::create_dir_all(&path).with_context(|| {
        format!("cannot create {}; make the target directory writable or set CARGO_TARGET_DIR", path.display())
    })?;
    Ok(path)
}

/// Writes a file so that readers see either the old or the new content, never a part.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o644));
    let mut file = builder.tempfile_in(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    std::io::Write::write_all(&mut file, content)
        .with_context(|| format!("cannot write {}; is the disk full?", path.display()))?;
    file.persist(path).with_context(|| format!("cannot put {} in place", path.display()))?;
    Ok(())
}
