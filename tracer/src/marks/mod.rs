//! Explains packet marks: those of well-known programs, and those that users list in a file.
//!
//! Invariant: pure data and look-up, no I/O. Programs share the 32 bits of `skb->mark` by convention, so each meaning
//! names its owner, and a mark with an unexplained bit has no meaning.

mod cilium;
mod file;
mod known;

/// Marks whose meaning is known. [`Marks::default`] contains those of well-known programs. Parsing a file's text adds
/// the user's marks, which take precedence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Marks {
    own: Vec<Mark>,
}

/// A mark, its mask and its meaning.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Mark {
    value: u32,
    mask: u32,
    words: String,
}

impl Marks {
    /// Returns the meaning of `mark`, such as `Cilium: decrypted, identity 6 (remote-node)`. Meanings of different bits
    /// are joined by `; `. Returns `None` for 0 and if the meaning is unknown.
    #[must_use]
    pub fn meaning(&self, mark: u32) -> Option<String> {
        if mark == 0 {
            return None;
        }
        let mut reading = Reading { mark, free: u32::MAX, words: Vec::new() };
        for own in &self.own {
            reading.take(own.value, own.mask, &own.words);
        }
        let users = reading.words.len();
        known::read(&mut reading);
        if mark & reading.free != 0 {
            // The user's meanings are known; the built-in meaning of some of the bits would be a guess.
            reading.words.truncate(users);
        }
        (!reading.words.is_empty()).then(|| reading.words.join("; "))
    }
}

/// A mark that is being read: each bit is explained at most once.
struct Reading {
    mark: u32,
    /// Bits that are not explained yet.
    free: u32,
    words: Vec<String>,
}

impl Reading {
    /// Explains the bits of `mask` by `words` if they equal `value` and are unexplained. Returns whether they do.
    fn take(&mut self, value: u32, mask: u32, words: &str) -> bool {
        let fits = self.mark & mask == value && mask & !self.free == 0;
        if fits {
            self.free &= !mask;
            self.words.push(words.to_owned());
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    fn meaning(mark: u32) -> Option<String> {
        Marks::default().meaning(mark)
    }

    #[test]
    fn cilium_with_and_without_identity() {
        assert_eq!(meaning(0x6_0d00).as_deref(), Some("Cilium: decrypted, identity 6 (remote-node)"));
        assert_eq!(meaning(0xd00).as_deref(), Some("Cilium: decrypted, or to be decrypted"));
        assert_eq!(meaning(0xc00).as_deref(), Some("Cilium: from the host"));
        assert_eq!(meaning(0x1e00).as_deref(), Some("Cilium: encrypted by WireGuard"));
        assert_eq!(meaning(0x1234_0f00).as_deref(), Some("Cilium: identity 4660"));
        assert_eq!(meaning(0x1234_0f02).as_deref(), Some("Cilium: identity 135732"));
    }

    #[test]
    fn bits_of_several_owners() {
        assert_eq!(meaning(0x20).as_deref(), Some("Talos KubeSpan: sent by WireGuard itself"));
        assert_eq!(meaning(0x4000).as_deref(), Some("Kubernetes: to be masqueraded"));
        assert_eq!(
            meaning(0x4040).as_deref(),
            Some("Kubernetes: to be masqueraded; Talos KubeSpan: to be sent through WireGuard")
        );
        assert_eq!(
            meaning(0x6_0d40).as_deref(),
            Some("Cilium: decrypted, identity 6 (remote-node); Talos KubeSpan: to be sent through WireGuard")
        );
    }

    #[test]
    fn what_is_not_wholly_explained_stays_a_number() {
        for mark in [0, 1, 0x60, 0x100, 0x4001, 0x1_0c00, 0xdead_beef, 0x2_0000] {
            assert_eq!(meaning(mark), None, "{mark:#x}");
        }
    }

    #[test]
    fn users_come_first() {
        let marks: Marks = "0xd00/0xf00 blue team\n0x1 red\n".parse().expect("a good file");
        assert_eq!(marks.meaning(0xd00).as_deref(), Some("blue team"));
        assert_eq!(marks.meaning(0x6_0d00).as_deref(), Some("blue team"));
        assert_eq!(marks.meaning(0x4d00).as_deref(), Some("blue team; Kubernetes: to be masqueraded"));
        assert_eq!(marks.meaning(1).as_deref(), Some("red"));
        assert_eq!(marks.meaning(0xc00).as_deref(), Some("Cilium: from the host"));
    }
}
