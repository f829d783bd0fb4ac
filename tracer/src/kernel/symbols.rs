//! Addresses of kernel functions and data, from `/proc/kallsyms`.

use std::fs;

const KALLSYMS: &str = "/proc/kallsyms";

/// Sorted by address.
#[derive(Default)]
pub struct Symbols(Vec<(u64, String)>);

impl Symbols {
    /// Reads all symbols. Empty where the kernel hides them (`kptr_restrict`).
    #[must_use]
    pub fn read() -> Self {
        let text = fs::read_to_string(KALLSYMS).unwrap_or_default();
        let mut symbols: Vec<_> = text.lines().filter_map(parse).filter(|(address, _)| *address != 0).collect();
        symbols.sort_unstable();
        Self(symbols)
    }

    /// `nf_hook_slow+0x1a`; the bare address where no symbol is near.
    #[must_use]
    pub fn location(&self, address: u64) -> String {
        let after = self.0.partition_point(|(start, _)| *start <= address);
        match after.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some((start, name)) => format!("{name}+{:#x}", address - start),
            None => format!("{address:#x}"),
        }
    }

    /// Address of a symbol.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(_, symbol)| symbol == name).map(|(address, _)| *address)
    }
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
        let symbols = Symbols(vec![(0x100, "a".to_owned()), (0x200, "b".to_owned())]);
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
