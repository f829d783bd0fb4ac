//! The Debian mirror: the one that this machine's apt already uses, never an address of ours.

use std::{env, fs, path::Path};

use anyhow::{Context as _, Result, bail};

/// The environment variable that overrides apt's mirror, and provides one on machines without apt.
pub const VARIABLE: &str = "TRACER_DEBIAN_MIRROR";

/// Returns the base address of the mirror, without a trailing slash.
pub fn mirror() -> Result<String> {
    if let Ok(address) = env::var(VARIABLE)
        && !address.trim().is_empty()
    {
        return Ok(tidy(&address));
    }
    match from_apt(Path::new("/etc/apt"))? {
        Some(address) => resolve_list(&address),
        None => bail!(
            "no Debian mirror is known because apt on this machine lists none: set {VARIABLE} to the \
             address of one (the folder that holds `dists` and `pool`) and run this again"
        ),
    }
}

/// Returns the first enabled source of a Debian release's `main` in an apt configuration folder.
fn from_apt(folder: &Path) -> Result<Option<String>> {
    let mut files = vec![folder.join("sources.list")];
    if let Ok(entries) = fs::read_dir(folder.join("sources.list.d")) {
        let mut more: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    for file in files {
        let sources = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => parse_list,
            Some("sources") => parse_deb822,
            _ => continue,
        };
        // Skip a file that cannot be read, because another may name the mirror.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        if let Some(source) = sources(&text).into_iter().find(Source::is_debian_main) {
            return Ok(Some(tidy(&source.uri)));
        }
    }
    Ok(None)
}

#[derive(Debug, PartialEq)]
struct Source {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
}

impl Source {
    /// Whether this is `main` of a Debian release. Security archives and third parties lack the packages that we need.
    fn is_debian_main(&self) -> bool {
        const RELEASES: [&str; 11] = [
            "bullseye",
            "bookworm",
            "trixie",
            "forky",
            "duke",
            "sid",
            "stable",
            "testing",
            "unstable",
            "oldstable",
            "oldoldstable",
        ];
        self.components.iter().any(|component| component == "main")
            && self.suites.iter().any(|suite| {
                RELEASES.iter().any(|release| {
                    suite == release
                        || suite
                            .strip_prefix(release)
                            .is_some_and(|rest| rest.starts_with("-updates") || rest.starts_with("-backports"))
                })
            })
    }
}

/// Parses `deb [options] uri suite component…`, one source per line.
fn parse_list(text: &str) -> Vec<Source> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim();
            let rest = line.strip_prefix("deb")?;
            let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
            let rest = match rest.strip_prefix('[') {
                Some(options) => options.split_once(']')?.1,
                None => rest,
            };
            let mut words = rest.split_whitespace().map(str::to_owned);
            Some(Source { uri: words.next()?, suites: vec![words.next()?], components: words.collect() })
        })
        .collect()
}

/// Parses the newer format: stanzas of `Field: values`, continued on indented lines.
fn parse_deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for stanza in super::control::stanzas(text) {
        let words = |name: &str| -> Vec<String> {
            stanza.get(name).map_or_else(Vec::new, |value| value.split_whitespace().map(str::to_owned).collect())
        };
        let enabled = !stanza.get("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
        if enabled && words("Types").iter().any(|kind| kind == "deb") {
            sources.extend(words("URIs").into_iter().map(|uri| Source {
                uri,
                suites: words("Suites"),
                components: words("Components"),
            }));
        }
    }
    sources
}

/// Resolves a list of mirrors to its first line, the preferred one. Cloud images point apt at a file with such a list.
fn resolve_list(address: &str) -> Result<String> {
    let Some(path) = address.strip_prefix("mirror+file:") else {
        return Ok(address.to_owned());
    };
    let text = fs::read_to_string(path)
        .with_context(|| format!("apt's mirror list {path} cannot be read; set {VARIABLE} instead"))?;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    match first.and_then(|line| line.split_whitespace().next()) {
        Some(address) => Ok(tidy(address)),
        None => bail!("apt's mirror list {path} names no mirror; set {VARIABLE} instead"),
    }
}

fn tidy(address: &str) -> String {
    address.trim().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_format_with_options_and_comments() {
        let text = "# deb http://old.test/debian bookworm main\n\
                    deb-src http://src.test/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/k] http://a.test/debian/ bookworm main contrib # x\n";
        let sources = parse_list(text);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].uri, "http://a.test/debian/");
        assert!(sources[0].is_debian_main());
    }

    #[test]
    fn stanza_format_skips_what_is_disabled() {
        let text = "Types: deb\nURIs: http://off.test/debian\nSuites: trixie\nComponents: main\n\
                    Enabled: no\n\nTypes: deb deb-src\n# note\nURIs: http://on.test/debian\n\
                    Suites: trixie\n trixie-updates\nComponents: main\n";
        let sources = parse_deb822(text);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].uri, "http://on.test/debian");
        assert_eq!(sources[0].suites, ["trixie", "trixie-updates"]);
    }

    #[test]
    fn other_archives_are_not_the_mirror() {
        let source = |suite: &str, component: &str| Source {
            uri: String::new(),
            suites: vec![suite.to_owned()],
            components: vec![component.to_owned()],
        };
        assert!(!source("bookworm-security", "main").is_debian_main());
        assert!(!source("noble", "main").is_debian_main());
        assert!(!source("bookworm", "contrib").is_debian_main());
        assert!(source("trixie-backports", "main").is_debian_main());
    }
}
