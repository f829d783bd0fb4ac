//! What `docs/findings.md` says of each finding.

/// The document.
const DOCUMENT: &str = include_str!("../../../docs/findings.md");

/// Returns the section of a finding in Markdown, its heading included.
#[must_use]
pub fn section(id: &str) -> Option<&'static str> {
    sections().find(|section| heading(section) == id)
}

/// Returns the ids of all findings, in the document's order.
pub fn ids() -> impl Iterator<Item = &'static str> {
    sections().map(heading)
}

/// The sections of the document, each with its heading. What comes before the first is no section.
fn sections() -> impl Iterator<Item = &'static str> {
    DOCUMENT.split("\n## ").skip(1)
}

fn heading(section: &'static str) -> &'static str {
    section.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let text = section("firewall-drop").expect("a finding");
        assert!(text.starts_with("firewall-drop\n\n**Meaning.**"), "{text}");
        assert!(!text.contains("\n## "), "{text}");
        assert_eq!(section("firewall"), None);
        assert!(ids().all(|id| id.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')));
    }
}
