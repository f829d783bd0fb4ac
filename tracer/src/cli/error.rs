//! Reasons not to run, each in one sentence.

use std::{fmt, io::Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Status;

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Stop {
    /// Help or version was asked for: text for stdout, with colours.
    Asked(clap::builder::StyledStr),
    /// The command line is wrong.
    Wrong(Usage),
}

impl Stop {
    /// Prints the text where it belongs and returns the exit status. A closed pipe is ignored.
    #[must_use]
    pub fn show(self) -> Status {
        match self {
            Self::Asked(text) => {
                _ = write!(anstream::stdout(), "{}", text.ansi());
                Status::Clean
            }
            Self::Wrong(usage) => {
                _ = writeln!(anstream::stderr(), "tracer: {usage}");
                Status::Failed
            }
        }
    }
}

/// What is wrong with the command line and how to fix it: one sentence without a full stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

impl From<Usage> for Stop {
    fn from(usage: Usage) -> Self {
        Self::Wrong(usage)
    }
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Self::Asked(error.render()),
            _ => Self::Wrong(Usage(bare_word(&error).unwrap_or_else(|| one_sentence(&error)))),
        }
    }
}

/// Explains a word that is not a flag: it is meant as a filter expression, or it is a command that comes too late.
fn bare_word(error: &clap::Error) -> Option<String> {
    let kinds = [ErrorKind::UnknownArgument, ErrorKind::InvalidSubcommand, ErrorKind::ArgumentConflict];
    if !kinds.contains(&error.kind()) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let word = text(ContextKind::InvalidSubcommand).or_else(|| text(ContextKind::InvalidArg))?;
    if word.starts_with(['-', '<']) {
        return None;
    }
    if super::command().get_subcommands().any(|command| command.get_name() == word) {
        return Some(format!("`{word}` is a command and must come before all flags: `tracer {word} …`"));
    }
    if let Some(meant) = text(ContextKind::SuggestedSubcommand) {
        return Some(format!("`{word}` is not a command: did you mean `tracer {meant}`?"));
    }
    Some(format!(
        "`{word}` is not a flag, and filter expressions are not supported in this version: select packets with \
         --host, --src, --dst, --port, --proto and so on (see `tracer --help`)"
    ))
}

/// Returns clap's message as one sentence, with its tips and without its usage block.
fn one_sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let message = text.split("\n\nUsage:").next().unwrap_or(text).split("\n\nFor more information").next();
    let parts: Vec<String> = message
        .unwrap_or(text)
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|part| part.strip_prefix("tip: ").map_or_else(|| part.clone(), str::to_owned))
        .filter(|part| !part.is_empty())
        .collect();
    format!("{} (see `tracer --help`)", parts.join("; "))
}
