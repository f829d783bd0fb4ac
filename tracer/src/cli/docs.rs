//! Completion scripts and the manual page, generated from the flags.

use std::io::{self, Write};

use clap_complete::Shell;
use clap_mangen::Man;

use super::help;

/// Writes the completion script of a shell.
///
/// # Errors
/// Returns every error of writing to `out`.
pub fn completions(shell: Shell, out: &mut impl Write) -> io::Result<()> {
    // The generator panics if its writer fails, so it must not write to a pipe that may be closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "tracer", &mut script);
    out.write_all(&script)
}

/// Writes the manual page, in roff.
///
/// # Errors
/// Returns every error of writing to `out`.
pub fn man(out: &mut impl Write) -> io::Result<()> {
    let mut command = super::command();
    command.build();
    let mut commands = String::from(".SH COMMANDS\n");
    for sub in command.get_subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        commands += &format!(".TP\n\\fBtracer {}\\fR\n{}.\n", sub.get_name(), escaped(&about));
    }
    let page = Man::new(command).manual("tracer manual");
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    write!(roff, "{commands}")?;
    page.render_options_section(&mut roff)?;
    write!(roff, ".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(help::EXAMPLES))?;
    write!(roff, ".SH \"EXIT STATUS\"\n.nf\n{}\n.fi\n", escaped(help::EXIT_STATUS))?;
    out.write_all(&roff)
}

/// Escapes text so that roff prints it unchanged. No line of ours begins with a dot or an apostrophe.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-").replace('\'', "\\(aq")
}
