//! Reads the user's file of marks.

use std::path::Path;

use crate::marks::Marks;

/// Returns the marks of the file at `path`, which come before the built-in ones. Without a file, returns the built-in
/// ones.
///
/// # Errors
/// One sentence if the file or a line of it cannot be read.
pub fn read(path: Option<&Path>) -> Result<Marks, String> {
    let Some(path) = path else { return Ok(Marks::default()) };
    let name = path.display().to_string();
    let name = name.escape_debug();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("--marks {name} cannot be read: {error}: give a text file that you may read"))?;
    text.parse().map_err(|mistake| format!("--marks {name}, {mistake}"))
}
