//! Made-up BTF for tests.

use super::{Btf, MAGIC, count, kind};

/// Enumerations as BTF: each with its name, and the names and values of its entries.
pub type Enums<'a> = &'a [(&'a str, &'a [(&'a str, u32)])];

/// Returns a blob of these enumerations, on top of another blob if there is one.
pub fn enums(base: Option<&Btf>, enums: Enums<'_>) -> Vec<u8> {
    let first_string = base.map_or(0, |base| base.first_string + base.strings_len);
    let mut strings = vec![0];
    let mut types = Vec::new();
    for (name, entries) in enums {
        let mut string = |text: &str| {
            let at = first_string + count(strings.len());
            strings.extend([text.as_bytes(), b"\0"].concat());
            at
        };
        types.extend([string(name), info(kind::ENUM, count(entries.len())), 4]);
        entries.iter().for_each(|(name, value)| types.extend([string(name), *value]));
    }
    blob(&types, &strings)
}

/// Returns a blob of these words and strings.
pub fn blob(types: &[u32], strings: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let (types_len, strings_len) = (count(types.len()), count(strings.len()));
    let header = [24, 0, types_len, types_len, strings_len].map(u32::to_ne_bytes).concat();
    [&MAGIC.to_ne_bytes(), &[1, 0], &header[..], &types, strings].concat()
}

/// Returns the word of a type's header that holds its kind and number of entries.
pub fn info(kind: u8, entries: u32) -> u32 {
    u32::from(kind) << 24 | entries
}
