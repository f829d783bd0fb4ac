//! Downloads over HTTP, kept in a cache: resumed after an interruption, verified before use.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::{progress, workspace};

const ATTEMPTS: u32 = 4;

/// Returns a file of the mirror in the cache. Downloads it unless it is there with the right content.
pub fn file(url: &str, name: &str, sha256: &str) -> Result<PathBuf> {
    let path = workspace::cache("downloads")?.join(name);
    if path.exists() && hash_of(&path)? == sha256 {
        return Ok(path);
    }
    let part = path.with_file_name(format!("{name}.part"));
    let mut last = anyhow!("no attempt was made");
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(Duration::from_secs(1 << attempt));
        }
        match download(url, name, &part) {
            Ok(()) if hash_of(&part)? == sha256 => {
                fs::rename(&part, &path).with_context(|| format!("cannot put {} in place", path.display()))?;
                return Ok(path);
            }
            Ok(()) => {
                // A resumed file can be a mixture of two versions, so start over.
                fs::remove_file(&part).ok();
                last = anyhow!("the downloaded file does not have the expected SHA-256 {sha256}");
            }
            Err(error) => last = error,
        }
    }
    Err(last.context(format!(
        "cannot download {url}; run this again, set {} to another mirror, or place the file at {} by hand",
        super::mirror::VARIABLE,
        path.display()
    )))
}

/// Downloads a small file that changes on the mirror, such as a release file. It is never cached.
pub fn text(url: &str) -> Result<String> {
    let mut last = anyhow!("no attempt was made");
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(Duration::from_secs(1 << attempt));
        }
        match agent().get(url).call().and_then(|mut response| response.body_mut().read_to_string()) {
            Ok(text) => return Ok(text),
            // A missing file will not appear in a few seconds.
            Err(ureq::Error::StatusCode(404)) => {
                last = anyhow!("the mirror has no such file");
                break;
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last
        .context(format!("cannot download {url}; run this again or set {} to another mirror", super::mirror::VARIABLE)))
}

/// Returns the SHA-256 of a file in hexadecimal.
pub fn hash_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hex(&hasher.finalize()))
}

/// Formats bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn download(url: &str, name: &str, part: &Path) -> Result<()> {
    let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
    let mut request = agent().get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(ureq::Error::StatusCode(416)) => {
            // Either everything is here already, or the file changed. The hash decides.
            return Ok(());
        }
        Err(error) => bail!("{error}"),
    };
    let resumed = response.status() == 206;
    let start = if resumed { have } else { 0 };
    let length = response.body().content_length();
    let bar = progress::download(name, length.map(|length| length + start), start);
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(resumed)
        .truncate(!resumed)
        .open(part)
        .with_context(|| format!("cannot write {}", part.display()))?;
    let mut reader = bar.wrap_read(response.into_body().into_reader());
    std::io::copy(&mut reader, &mut file).context("the download broke off")?;
    file.flush().context("the download could not be written")?;
    bar.finish_and_clear();
    match length {
        Some(length) if file.metadata()?.len() < start + length => bail!("the download broke off"),
        _ => Ok(()),
    }
}

/// Returns a client with generous time limits, because a slow mirror is not a dead one. A body may take 20 minutes; the
/// next attempt resumes it.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_recv_body(Some(Duration::from_secs(1200)))
        .user_agent("tracer-xtask")
        .build()
        .into()
}
