//! Shows progress on stderr: short lines, and a bar if stderr is a terminal.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Prints one line about a step that is done or begins.
pub fn say(message: &str) {
    eprintln!("xtask: {message}");
}

/// Runs a step and prints how long it took, so that slow set-up is never a mystery.
pub fn timed<T, E>(what: &str, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    say(&format!("{what} …"));
    let start = Instant::now();
    let result = step();
    if result.is_ok() {
        say(&format!("{what}: done in {:.1} s", start.elapsed().as_secs_f64()));
    }
    result
}

/// Returns a bar for a download. Prints a plain line instead if stderr is not a terminal.
pub fn download(name: &str, total: Option<u64>, already: u64) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::no_length(),
    };
    if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("xtask: {msg} {bar:30} {bytes}/{total_bytes}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        // Dozens of small packages would drown the lines that matter.
        if let Some(total) = total.filter(|total| *total > 4 << 20) {
            say(&format!("downloading {name} ({} MiB)", total >> 20));
        }
    }
    bar.set_position(already);
    bar
}
