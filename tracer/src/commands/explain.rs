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
    if let Some((subsystem, number)) = reasons::unnamed(name) {
        return format!(
            "`{name}` is drop reason {number} of the kernel's subsystem {subsystem}: the traced kernel's BTF has no \
             name for it"
        );
    }
    let shown = name.escape_debug();
    format!("there is no finding and no drop reason `{shown}`: `tracer explain` lists all of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Color;

    fn refused(name: &str) -> String {
        let config = ExplainConfig { name: Some(name.to_owned()), color: Color::Never };
        explain(&config).expect_err("no such reason")
    }

    #[test]
    fn a_reason_that_the_kernel_does_not_name_is_recognised() {
        let expected = "`OPENVSWITCH:1` is drop reason 1 of the kernel's subsystem OPENVSWITCH: the traced kernel's \
                        BTF has no name for it";
        assert_eq!(refused("OPENVSWITCH:1"), expected);
    }

    #[test]
    fn an_unknown_name_is_refused_with_a_way_out() {
        let refused = refused("a\x1b[2J");
        assert_eq!(refused, r"there is no finding and no drop reason `a\u{1b}[2J`: `tracer explain` lists all of them");
    }
}
