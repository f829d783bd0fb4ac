//! Names locations in the kernel's code.

mod listed;

use std::{collections::HashMap, ops::Range};

use listed::Reading;
pub use listed::address_of;

use crate::model::Name;

/// Names locations, as in `nf_hook_slow+0x1a`.
pub struct Symbols {
    source: Source,
    /// Earlier answers about the kernel's own code. Those about a module are not kept, because another may take its
    /// place.
    known: HashMap<u64, Name>,
}

/// The running kernel, which is asked for one name at a time.
pub struct Ask {
    /// Returns symbol and offset of an address, or `None` if the lookup fails.
    pub location: Box<dyn Fn(u64) -> Option<String>>,
    /// The kernel's own code, without modules; empty if unknown.
    pub own: Range<u64>,
}

enum Source {
    Asked(Ask),
    Listed(Reading),
}

/// Maximum number of names to keep.
const KNOWN: usize = 4096;

impl Symbols {
    /// Asks the kernel, or starts to read all of its symbols if it cannot be asked.
    #[must_use]
    pub fn new(ask: Option<Ask>) -> Self {
        let source = ask.map_or_else(|| Source::Listed(Reading::begin()), Source::Asked);
        Self { source, known: HashMap::new() }
    }

    /// Returns symbol and offset of an address, as in `nf_hook_slow+0x1a`, or the bare address if no symbol is near.
    pub fn location(&mut self, address: u64) -> Name {
        match &mut self.source {
            Source::Asked(ask) => {
                if let Some(name) = self.known.get(&address) {
                    return name.clone();
                }
                let name: Name = (ask.location)(address).unwrap_or_else(|| format!("{address:#x}")).into();
                if ask.own.contains(&address) && self.known.len() < KNOWN {
                    self.known.insert(address, name.clone());
                }
                name
            }
            Source::Listed(reading) => {
                let listed = reading.listed();
                listed.renew_for(address);
                listed.location(address).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    #[test]
    fn only_what_cannot_change_is_asked_once() {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let location = Box::new(move |address| {
            count.set(count.get() + 1);
            (address < 0x300).then(|| format!("f+{address:#x}"))
        });
        let mut symbols = Symbols::new(Some(Ask { location, own: 0x100..0x200 }));
        for (address, said, times) in [(0x110, "f+0x110", 1), (0x210, "f+0x210", 2), (0x310, "0x310", 2)] {
            asked.set(0);
            assert_eq!(&*symbols.location(address), said);
            assert_eq!(&*symbols.location(address), said);
            assert_eq!(asked.get(), times, "{said}");
        }
    }
}
