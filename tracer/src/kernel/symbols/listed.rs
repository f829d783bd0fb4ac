//! Reads addresses of kernel functions and data from `/proc/kallsyms`, for kernels that cannot be asked for names.
//!
//! Writing the list takes the kernel 0.4 s, and each of 150,000 symbols is kept.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    ops::Range,
    thread::JoinHandle,
};

const KALLSYMS: &str = "/proc/kallsyms";
const MODULES: &str = "/proc/modules";

/// Functions sorted by address.
#[derive(Default)]
pub struct Listed {
    /// Address, and the position of the name in `names`.
    sorted: Vec<(u64, u32)>,
    /// All names, each followed by `END`.
    names: String,
    /// Modules that were loaded when the symbols were read.
    modules: String,
    /// The kernel's own code, without modules.
    own: Range<u64>,
}

/// Symbols that a thread reads during other work, because the kernel takes a while to write them.
pub struct Reading {
    thread: Option<JoinHandle<Listed>>,
    listed: Listed,
}

impl Reading {
    /// Starts to read.
    #[must_use]
    pub fn begin() -> Self {
        Self { thread: Some(std::thread::spawn(Listed::read)), listed: Listed::default() }
    }

    /// Returns all symbols. Waits until they have been read.
    pub fn listed(&mut self) -> &mut Listed {
        if let Some(thread) = self.thread.take() {
            self.listed = thread.join().unwrap_or_default();
        }
        &mut self.listed
    }
}

impl Listed {
    /// Reads the symbols of all code. There are none if the kernel hides them (`kptr_restrict`).
    #[must_use]
    pub fn read() -> Self {
        // Modules first: one that is loaded in between is read again, not missed.
        let mut symbols = Self { modules: modules(), ..Self::default() };
        each(|kind, address, name| {
            if matches!(kind, "t" | "T" | "w" | "W") {
                symbols.add(address, name);
            }
            true
        });
        symbols.sort();
        symbols.sorted.shrink_to_fit();
        symbols.names.shrink_to_fit();
        symbols.own = symbols.address("_stext").unwrap_or(0)..symbols.address("_etext").unwrap_or(0);
        symbols
    }

    fn add(&mut self, address: u64, name: &str) {
        let Ok(begin) = u32::try_from(self.names.len()) else { return };
        self.sorted.push((address, begin));
        self.names.push_str(name);
        self.names.push(END);
    }

    fn sort(&mut self) {
        let names = &self.names;
        self.sorted
            .sort_by(|(a, a_name), (b, b_name)| a.cmp(b).then_with(|| name(names, *a_name).cmp(name(names, *b_name))));
    }

    /// Reads the symbols again if the address is not the kernel's own and modules were loaded or unloaded. The code of
    /// one module may lie directly behind that of another.
    pub fn renew_for(&mut self, address: u64) {
        if !self.own.contains(&address) && !self.own.is_empty() && modules() != self.modules {
            *self = Self::read();
        }
    }

    /// Returns symbol and offset of an address, as in `nf_hook_slow+0x1a`, or the bare address if no symbol is near.
    #[must_use]
    pub fn location(&self, address: u64) -> String {
        let after = self.sorted.partition_point(|(start, _)| *start <= address);
        match after.checked_sub(1).and_then(|index| self.sorted.get(index)) {
            Some((start, begin)) => format!("{}+{:#x}", name(&self.names, *begin), address - start),
            None => format!("{address:#x}"),
        }
    }

    fn address(&self, wanted: &str) -> Option<u64> {
        self.sorted.iter().find(|(_, begin)| name(&self.names, *begin) == wanted).map(|(address, _)| *address)
    }
}

/// Looks up the address of a single symbol, code or data.
#[must_use]
pub fn address_of(wanted: &str) -> Option<u64> {
    let mut found = None;
    each(|_, address, name| {
        found = (name == wanted).then_some(address);
        found.is_none()
    });
    found
}

/// The character that ends a name.
const END: char = '\n';

fn name(names: &str, begin: u32) -> &str {
    let rest = names.get(begin as usize..).unwrap_or_default();
    rest.split_once(END).map_or(rest, |(name, _)| name)
}

/// Calls `visit` with kind, address and name of each symbol that is not hidden, until it returns false.
fn each(mut visit: impl FnMut(&str, u64, &str) -> bool) {
    let Ok(file) = File::open(KALLSYMS) else { return };
    let mut lines = BufReader::with_capacity(64 << 10, file);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
        match parse(&line) {
            Some((kind, address, name)) if address != 0 && !visit(kind, address, name) => return,
            _ => line.clear(),
        }
    }
}

/// Returns the names and addresses of loaded modules. The use counts are left out because they change all the time.
fn modules() -> String {
    let text = fs::read_to_string(MODULES).unwrap_or_default();
    let fixed = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(format!("{} {}\n", words.first()?, words.get(5)?))
    };
    text.lines().filter_map(fixed).collect()
}

/// Parses `ffffffff81000000 T name [module]`.
fn parse(line: &str) -> Option<(&str, u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    Some((words.next()?, address, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_symbol_and_offset() {
        let mut symbols = Listed::default();
        symbols.add(0x200, "b");
        symbols.add(0x100, "a");
        symbols.sort();
        assert_eq!(symbols.location(0x210), "b+0x10");
        assert_eq!(symbols.location(0x1ff), "a+0xff");
        assert_eq!(symbols.location(0x10), "0x10");
    }

    #[test]
    fn modules_and_data_are_read() {
        assert_eq!(parse("ffffffffc0001000 t wg_xmit\t[wireguard]"), Some(("t", 0xffff_ffff_c000_1000, "wg_xmit")));
        assert_eq!(parse("garbage"), None);
    }
}
