//! Judges whether tracer's output for a play is what the document expects.

use std::fmt;

use serde_json::Value;

use crate::{
    capture::{Capture, is_grave},
    cause::Expected,
    expect::{claim, rivals},
    matcher::matches,
    version::Version,
};

/// How a variant went on a kernel, best first. The worse of its two plays counts.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// The cause was found in the failing twin, and no problem in the healthy one.
    Right,
    /// This kernel does not reveal the cause, and tracer claims none. Holds the reason.
    Unknown(String),
    /// The story itself needs a newer kernel. Holds its version.
    NotPlayed(String),
    /// Everything else. Holds what was wrong.
    Wrong(String),
}

/// Judges the failing twin. It must have the expected findings and no other problem. If the kernel does not reveal the
/// cause, it must have the expected drop, and no finding of a problem that claims a cause.
pub fn of_failing(expected: &Expected, kernel: &Version, said: &Capture) -> Verdict {
    let mut found: Vec<_> = said.of("finding").collect();
    match expected.unknown_on(kernel) {
        Some(unknown) => {
            found.retain(|finding| finding["id"] != NO_CAUSE);
            let mut complaints = unexpected(&found);
            if !said.of("drop").any(|drop| matches(&unknown.drop, drop)) {
                complaints.push(format!("no drop is like {}", unknown.drop));
            }
            concluded(complaints, said, Verdict::Unknown(unknown.why.clone()))
        }
        None => {
            let mut complaints = claim(&expected.findings, &mut found);
            complaints.extend(unexpected(&found));
            complaints.extend(rivals(said));
            concluded(complaints, said, Verdict::Right)
        }
    }
}

/// Judges the healthy twin, which must have no finding of a problem.
pub fn of_healthy(said: &Capture) -> Verdict {
    concluded(unexpected(&said.of("finding").collect::<Vec<_>>()), said, Verdict::Right)
}

/// The finding that repeats what the kernel says about a drop, and claims no cause.
const NO_CAUSE: &str = "dropped-for-reason";

fn unexpected(found: &[&Value]) -> Vec<String> {
    found.iter().filter(|finding| is_grave(finding)).map(|finding| format!("unexpected finding: {finding}")).collect()
}

/// Returns `otherwise` if there are no complaints. Complaints come with the drops, which show what tracer knew.
fn concluded(mut complaints: Vec<String>, said: &Capture, otherwise: Verdict) -> Verdict {
    const SHOWN: usize = 4;
    if complaints.is_empty() {
        return otherwise;
    }
    complaints.extend(said.of("drop").take(SHOWN).map(|drop| format!("there is {drop}")));
    Verdict::Wrong(complaints.join("\n"))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Right => "right",
            Self::Unknown(_) => "unknown",
            Self::NotPlayed(_) => "not-played",
            Self::Wrong(_) => "WRONG",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{capture::tests::example, cause};

    fn expected(toml: &str) -> Expected {
        let text =
            format!("# T\n```sh setup\n```\n```sh trigger\n```\n```sh healthy\n```\n```toml expect\n{toml}\n```\n");
        cause::parse("x", &text).expect("a document").remove(0).expect
    }

    fn failing(toml: &str) -> Verdict {
        of_failing(&expected(toml), &Version::parse("6.18.15").expect("a version"), &example())
    }

    #[test]
    fn what_is_expected_is_right() {
        assert_eq!(failing("[[findings]]\nid = 'untracked-reply-dropped'\nwhere = { netns = 'A' }"), Verdict::Right);
    }

    #[test]
    fn what_is_missing_or_left_over_is_wrong() {
        let Verdict::Wrong(said) = failing("[[findings]]\nid = 'other'") else { panic!("not wrong") };
        let starts: Vec<_> = said.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(starts, ["no", "unexpected", "there"]);
        assert!(matches!(of_healthy(&example()), Verdict::Wrong(_)));
    }

    #[test]
    fn an_unknown_cause_is_not_claimed() {
        let unknown = "[[unknown]]\nkernels = ['6.18']\nwhy = 'w'\ndrop = { reason = 'NETFILTER_DROP' }";
        let said = failing(unknown);
        assert!(matches!(&said, Verdict::Wrong(why) if why.starts_with("unexpected finding")), "{said:?}");
        let none = example().share(&[(41, "B".to_owned())].into());
        let kernel = Version::parse("6.18.15").expect("a version");
        let said = of_failing(&expected(unknown), &kernel, &none);
        assert!(matches!(&said, Verdict::Wrong(why) if why.starts_with("no drop is like")), "{said:?}");
    }

    #[test]
    fn the_worse_counts() {
        assert!(Verdict::Right < Verdict::Unknown(String::new()));
        assert!(Verdict::NotPlayed(String::new()) < Verdict::Wrong(String::new()));
    }
}
