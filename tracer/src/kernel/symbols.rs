//! Addresses of kernel functions and data, from `/proc/kallsyms`.

use std::{fs, ops::Range};

const KALLSYMS: &str = "/proc/kallsyms";
const MODULES: &str = "/proc/modules";

/// Sorted by address.
#[derive(Default)]
pub struct Symbols {
    sorted: Vec<(u64, String)>,
    /// Modules that were loaded when the symbols were read.
    modules: String,
    /// The kernel's own code, without modules.
    own: Range<u64>,
}

impl Symbols {
    /// Reads all symbols. Empty where the kernel hides them (`kptr_restrict`).
    #[must_use]
    pub fn read() -> Self {
        // First: a module that comes in between is read again, not missed.
        let modules = modules();
        let text = fs::read_to_string(KALLSYMS).unwrap_or_default();
        let mut sorted: Vec<_> = text.lines().filter_map(parse).filter(|(address, _)| *address != 0).collect();
        sorted.sort_unstable();
        let named = |wanted| sorted.iter().find(|(_, name)| name == wanted).map_or(0, |(address, _)| *address);
        let own = named("_stext")..named("_etext");
        Self { sorted, modules, own }
    }

    /// Reads them again where the address is not the kernel's own and modules have come or gone: their code
    /// may lie right behind that of others.
    pub fn renew_for(&mut self, address: u64) {
        if !self.own.contains(&address) && !self.own.is_empty() && modules() != self.modules {
            *self = Self::read();
        }
    }

    /// `nf_hook_slow+0x1a`; the bare address where no symbol is near.
    #[must_use]
    pub fn location(&self, address: u64) -> String {
        let after = self.sorted.partition_point(|(start, _)| *start <= address);
        match after.checked_sub(1).and_then(|index| self.sorted.get(index)) {
            Some((start, name)) => format!("{name}+{:#x}", address - start),
            None => format!("{address:#x}"),
        }
    }

    /// Address of a symbol.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u64> {
        self.sorted.iter().find(|(_, symbol)| symbol == name).map(|(address, _)| *address)
    }
}

/// Names and addresses alone: how often a module is used changes all the time.
fn modules() -> String {
    let text = fs::read_to_string(MODULES).unwrap_or_default();
    let fixed = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(format!("{} {}\n", words.first()?, words.get(5)?))
    };
    text.lines().filter_map(fixed).collect()
}

/// `ffffffff81000000 T name [module]`
fn parse(line: &str) -> Option<(u64, String)> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let _kind = words.next()?;
    Some((address, words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_symbol_and_offset() {
        let sorted = vec![(0x100, "a".to_owned()), (0x200, "b".to_owned())];
        let symbols = Symbols { sorted, ..Symbols::default() };
        assert_eq!(symbols.location(0x210), "b+0x10");
        assert_eq!(symbols.location(0x1ff), "a+0xff");
        assert_eq!(symbols.location(0x10), "0x10");
    }

    #[test]
    fn modules_and_data_are_read() {
        assert_eq!(
            parse("ffffffffc0001000 t wg_xmit\t[wireguard]"),
            Some((0xffff_ffff_c000_1000, "wg_xmit".to_owned()))
        );
        assert_eq!(parse("garbage"), None);
    }
}
