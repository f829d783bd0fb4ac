//! `tracer explain`: what a finding or a drop reason of the kernel means.

use crate::{
    cli::{ExplainConfig, Status},
    explain::{documents, reasons},
    output::{self, Look},
};

/// Prints the document of a finding or the row of a drop reason. Without a name, lists both.
///
/// # Errors
/// One sentence if there is no such finding or reason.
pub fn explain(config: &ExplainConfig) -> Result<Status, String> {
    let mut out = output::stdout(config.color);
    let look = Look::for_stdout(false);
    let written = match &config.name {
        None => output::write_list(&mut out, look),
        Some(name) => match (documents::section(name), reasons::find(name)) {
            (Some(section), _) => output::write_document(&mut out, section, look),
            (None, Some(reason)) => output::write_reason(&mut out, reason, look),
            (None, None) => return Err(unknown(name)),
        },
    };
    let _ = written.map_err(|error| format!("stdout: {error}"))?;
    Ok(Status::Clean)
}

fn unknown(name: &str) -> String {
    let shown = name.escape_debug();
    format!("there is no finding and no drop reason `{shown}`: `tracer explain` lists all of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Color;

    #[test]
    fn an_unknown_name_is_refused_with_a_way_out() {
        let config = ExplainConfig { name: Some("a\x1b[2J".to_owned()), color: Color::Never };
        let refused = explain(&config).expect_err("no such reason");
        assert_eq!(refused, r"there is no finding and no drop reason `a\u{1b}[2J`: `tracer explain` lists all of them");
    }
}
