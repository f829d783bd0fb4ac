//! Circles of imports. Two files may need each other; more are one thing in too many files.

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use super::source::Tree;

/// Maximum number of files in a circle.
const MOST: usize = 2;

/// Returns a sentence for each circle that is too large. Imports from a parent do not count, because siblings share
/// things there.
pub fn find(tree: &Tree) -> Vec<String> {
    let mut graph: DiGraphMap<&[String], ()> = DiGraphMap::new();
    for (name, imports) in &tree.modules {
        let others = imports.own.iter().filter(|other| !name.starts_with(other));
        others.for_each(|other| _ = graph.add_edge(name.as_slice(), other.as_slice(), ()));
    }
    let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > MOST);
    circles
        .map(|mut circle| {
            circle.sort_unstable();
            let names = circle.iter().map(|name| name.join("::")).collect::<Vec<_>>().join(", ");
            format!("{}: {} modules import each other in a circle: {names}", tree.name, circle.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(sources: &[(&str, &str)]) -> Tree {
        let sources = sources.iter().map(|(name, text)| {
            (name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect(), (*text).to_owned())
        });
        Tree::of("crate", sources.collect()).expect("Rust")
    }

    #[test]
    fn a_circle_of_three_is_a_fault_and_one_of_two_is_none() {
        let two = [("", ""), ("a", "use crate::b;"), ("b", "fn f() { super::a::g() }")];
        assert_eq!(find(&tree(&two)), [""; 0]);
        let three =
            [("", ""), ("a", "use super::b::X;"), ("b", "use crate::{c::Y};"), ("c", "fn f() { crate::a::g() }")];
        assert_eq!(find(&tree(&three)), ["crate: 3 modules import each other in a circle: a, b, c"]);
    }

    #[test]
    fn parents_and_tests_do_not_count() {
        let family = [
            ("", "mod a;"),
            ("a", "mod b; mod c; use b::X;"),
            ("a::b", "use super::{Y, c::Z};"),
            ("a::c", "use super::Y; #[cfg(test)] mod tests { use super::super::b::X; }"),
        ];
        assert_eq!(find(&tree(&family)), [""; 0]);
    }
}
