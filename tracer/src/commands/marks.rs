//! The user's file of marks.

use std::path::Path;

use crate::marks::Marks;

/// The marks of the file at `path`, before those that are known anyway; without a file, those.
///
/// # Errors
/// One sentence where the file cannot be read, or a line of it.
pub fn read(path: Option<&Path>) -> Result<Marks, String> {
    let Some(path) = path else { return Ok(Marks::default()) };
    let name = path.display().to_string();
    let name = name.escape_debug();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("--marks {name} cannot be read: {error}: give a text file that you may read"))?;
    text.parse().map_err(|mistake| format!("--marks {name}, {mistake}"))
}
