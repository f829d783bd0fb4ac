//! The output of `tracer check`: what this kernel and these privileges allow.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use super::{
    style::{BAD, GOOD, HEADING, Look, WARN, clean, hang, pad, paint},
    unless_closed,
};
use crate::model::{Check, CheckStatus};

/// Writes one row for each check, then the verdict. Returns `Break` if the reader has closed the pipe.
///
/// # Errors
/// Returns every error of writing to `out`, except a closed pipe.
pub fn write_check(out: &mut impl Write, check: &Check, look: Look) -> io::Result<ControlFlow<()>> {
    let width = check.rows.iter().map(|row| clean(&row.what).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &check.rows {
        let (style, status) = match row.status {
            CheckStatus::Works => (GOOD, "✓ works   "),
            CheckStatus::Missing => (BAD, "✗ missing "),
            CheckStatus::Degraded => (WARN, "! degraded"),
        };
        let first = format!("{}  {}  ", paint(style, status), pad(&clean(&row.what), width));
        text += &format!("{}\n", hang(&first, &clean(&row.detail), look.width.min(120)).trim_end());
    }
    text += &format!("\n{}\n", paint(HEADING, hang("", &clean(&check.verdict), look.prose())));
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}
