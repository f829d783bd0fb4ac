//! Asks the user's own programs for the text of rules, because people know their rules in that spelling.

pub(super) mod nft;
pub(super) mod save;

use std::{
    env,
    io::Read as _,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Returns what a program prints in the calling thread's netns; `None` if there is no such program, it fails, or it
/// takes too long.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let mut child = Command::new(find(program)?)
        .args(args)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Ctrl-C on the terminal is for the trace, whose report still needs this program.
        .process_group(0)
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).ok().map(|_| text)
    });
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            _ => {
                // The program only reads, so ending it half-way leaves nothing behind.
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    let text = reader.join().ok()??;
    status.then(|| String::from_utf8_lossy(&text).into_owned())
}

/// How long a program may take, chosen for large rulesets on slow machines.
const PATIENCE: Duration = Duration::from_secs(5);

/// Finds a program, even if `PATH` omits the directories of administrators.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .chain(more)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}
