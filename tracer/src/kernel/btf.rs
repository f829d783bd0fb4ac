//! Reads BTF (Documentation/bpf/btf.rst): that of vmlinux, and the split BTF of modules.
//!
//! We have our own reader because aya-obj cannot walk members and does not take split BTF, `btfparse` has no split BTF,
//! and `btf-rs` is LGPL. This one reads only what layouts, signatures and enumerations need.

use std::ffi::CStr;

use bytes::{Buf as _, Bytes};

/// The `BTF_KIND_*` values in use.
mod kind {
    pub const INT: u8 = 1;
    pub const PTR: u8 = 2;
    pub const ARRAY: u8 = 3;
    pub const STRUCT: u8 = 4;
    pub const UNION: u8 = 5;
    pub const ENUM: u8 = 6;
    pub const TYPEDEF: u8 = 8;
    pub const RESTRICT: u8 = 11;
    pub const FUNC: u8 = 12;
    pub const FUNC_PROTO: u8 = 13;
    pub const VAR: u8 = 14;
    pub const DATASEC: u8 = 15;
    pub const FLOAT: u8 = 16;
    pub const DECL_TAG: u8 = 17;
    pub const TYPE_TAG: u8 = 18;
    pub const ENUM64: u8 = 19;
}

const MAGIC: u16 = 0xeb9f;

/// One BTF blob: its bytes, the position of each type, and an index by name. Nothing is copied out, because vmlinux has
/// more than 100,000 types.
pub struct Btf {
    data: Bytes,
    /// Position of each type in the bytes.
    types: Vec<u32>,
    first_id: u32,
    strings: usize,
    first_string: u32,
    strings_len: u32,
    names: Names,
}

#[derive(Clone, Copy)]
struct Type {
    name: u32,
    info: u32,
    /// Size or type id, depending on the kind.
    size_or_type: u32,
    /// Position of the data that follows the header.
    rest: usize,
}

impl Type {
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let [name, info, size_or_type] = words_at(data, at)?;
        Some(Self { name, info, size_or_type, rest: at + 12 })
    }

    fn kind(self) -> u8 {
        ((self.info >> 24) & 0x1f) as u8
    }

    fn entries(self) -> usize {
        (self.info & 0xffff) as usize
    }

    fn is_looked_up(self) -> bool {
        let kinds = [kind::STRUCT, kind::UNION, kind::FUNC, kind::TYPEDEF, kind::ENUM, kind::ENUM64];
        self.name != 0 && kinds.contains(&self.kind())
    }
}

impl Btf {
    /// Parses a blob; a module's on top of vmlinux's.
    ///
    /// # Errors
    /// One sentence if the blob is cut short or of an unknown kind.
    pub fn parse(data: impl Into<Bytes>, base: Option<&Self>) -> Result<Self, String> {
        let data = data.into();
        let mut rest = &data[..];
        if rest.try_get_u16_ne() != Ok(MAGIC) {
            return Err("the magic number is missing".to_owned());
        }
        // Version and flags.
        let _ = rest.try_get_u16_ne();
        let mut word = || rest.try_get_u32_ne().map_err(|_| "the header is cut short".to_owned());
        let header = word()? as usize;
        let types_at = header + word()? as usize;
        let types_end = types_at + word()? as usize;
        let strings = header + word()? as usize;
        let strings_len = word()?;
        let (first_id, first_string) =
            base.map_or((1, 0), |base| (base.first_id + count(base.types.len()), base.first_string + base.strings_len));
        if data.len() < types_end || data.len() < strings + strings_len as usize {
            return Err("a section is cut short".to_owned());
        }
        let types = read_types(&data, types_at, types_end)?;
        let names = Names::default();
        let mut btf = Self { data, types, first_id, strings, first_string, strings_len, names };
        btf.names = Names::of(&btf, base);
        Ok(btf)
    }

    /// Returns the name of a type or function.
    #[must_use]
    pub fn name_of(&self, id: u32) -> Option<&str> {
        let ty = self.ty(id.checked_sub(self.first_id)?)?;
        std::str::from_utf8(self.string(ty.name)?).ok().filter(|name| !name.is_empty())
    }

    /// Returns a type of this blob by its number in the blob.
    fn ty(&self, index: u32) -> Option<Type> {
        Type::read(&self.data, *self.types.get(index as usize)? as usize)
    }

    fn string(&self, offset: u32) -> Option<&[u8]> {
        let start = self.strings + offset.checked_sub(self.first_string)? as usize;
        let text = self.data.get(start..self.strings + self.strings_len as usize)?;
        Some(CStr::from_bytes_until_nul(text).ok()?.to_bytes())
    }
}

/// Index of types by name: chains of those whose names have the same hash, in rising order of ids.
#[derive(Default)]
struct Names {
    /// First type of each chain, as its number in the blob plus one; 0 for none.
    first: Vec<u32>,
    /// The type after each type in its chain, as a number of the same kind.
    next: Vec<u32>,
}

impl Names {
    fn of(btf: &Btf, base: Option<&Btf>) -> Self {
        let mut names = Self { first: vec![0; btf.types.len().next_power_of_two()], next: vec![0; btf.types.len()] };
        for index in (0..count(btf.types.len())).rev() {
            let Some(ty) = btf.ty(index).filter(|ty| ty.is_looked_up()) else { continue };
            let owner = if ty.name >= btf.first_string { Some(btf) } else { base };
            let Some(name) = owner.and_then(|owner| owner.string(ty.name)) else { continue };
            let chain = names.chain(name);
            names.next[index as usize] = std::mem::replace(&mut names.first[chain], index + 1);
        }
        names
    }

    /// Returns the numbers of types in the blob. All types of this name are among them.
    fn candidates(&self, name: &str) -> impl Iterator<Item = u32> {
        let first = self.first.get(self.chain(name.as_bytes())).copied().unwrap_or(0);
        let next = |index: &u32| self.next.get(*index as usize)?.checked_sub(1);
        std::iter::successors(first.checked_sub(1), next)
    }

    /// Returns the chain of a name. Names are distinguished by their ends, so the hash covers the length, and the first
    /// and the last eight bytes.
    fn chain(&self, name: &[u8]) -> usize {
        let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mut hash = name.len() as u64 ^ word(name.first_chunk()) ^ word(name.last_chunk()).rotate_left(29);
        if name.len() < 8 {
            hash = name.iter().fold(hash, |hash, byte| hash << 8 ^ u64::from(*byte));
        }
        let hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 32) as usize & self.first.len().saturating_sub(1)
    }
}

fn read_types(data: &[u8], mut at: usize, end: usize) -> Result<Vec<u32>, String> {
    // vmlinux of 6.18 has 28 bytes for each.
    let mut types = Vec::with_capacity((end - at) / 24);
    while at < end {
        let ty = Type::read(data, at).ok_or("a type is cut short")?;
        types.push(count(at));
        at += 12
            + match ty.kind() {
                kind::INT | kind::VAR | kind::DECL_TAG => 4,
                kind::ARRAY => 12,
                kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * ty.entries(),
                kind::ENUM | kind::FUNC_PROTO => 8 * ty.entries(),
                kind::PTR | 7..=kind::FUNC | kind::FLOAT | kind::TYPE_TAG => 0,
                other => return Err(format!("type kind {other} is unknown")),
            };
    }
    types.shrink_to_fit();
    Ok(types)
}

/// The types of a module on top of vmlinux's, or those of vmlinux alone.
#[derive(Clone, Copy)]
pub struct Split<'a> {
    /// vmlinux.
    pub base: &'a Btf,
    /// The module.
    pub split: Option<&'a Btf>,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    /// Offset in bits.
    pub bit: u32,
    /// Width in bits of a bit field, 0 otherwise.
    pub width: u32,
    /// Type id.
    ty: u32,
}

impl<'a> Split<'a> {
    /// Looks up member `a.b.c` of a structure or union, through anonymous members.
    #[must_use]
    pub fn member(&self, structure: &str, path: &str) -> Option<Member> {
        let mut found = Member { bit: 0, width: 0, ty: self.structure(structure)? };
        for name in path.split('.') {
            let member = self.direct_member(self.resolve(found.ty), name)?;
            found = Member { bit: found.bit + member.bit, ..member };
        }
        Some(found)
    }

    /// Returns the size of a structure in bytes.
    #[must_use]
    pub fn size(&self, structure: &str) -> Option<u32> {
        Some(self.ty(self.structure(structure)?)?.1.size_or_type)
    }

    /// Returns the id of a function that is defined in the module, or in vmlinux if there is no module.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<u32> {
        let own = self.split.unwrap_or(self.base);
        self.named(own, name, &[kind::FUNC])
    }

    /// Returns the id of the typedef that holds a tracepoint's signature.
    #[must_use]
    pub fn tracepoint(&self, name: &str) -> Option<u32> {
        self.named(self.base, &format!("btf_trace_{name}"), &[kind::TYPEDEF])
    }

    /// Returns for each parameter of a function the structure that it points to, empty for other parameters.
    #[must_use]
    pub fn parameters(&self, function: u32) -> Option<Vec<&'a str>> {
        let (_, func) = self.ty(function)?;
        self.prototype(func.size_or_type)
    }

    /// Returns the same for a tracepoint, without the leading context.
    #[must_use]
    pub fn tracepoint_parameters(&self, typedef: u32) -> Option<Vec<&'a str>> {
        let (_, pointer) = self.ty(self.resolve(typedef))?;
        let mut parameters = self.prototype(pointer.size_or_type)?;
        if !parameters.is_empty() {
            parameters.remove(0);
        }
        Some(parameters)
    }

    /// Returns the names and values of an enumeration.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<Vec<(&'a str, u32)>> {
        let (owner, ty) = self.ty(self.anywhere(name, &[kind::ENUM])?)?;
        (0..ty.entries())
            .map(|entry| {
                let [name, value] = words_at(&owner.data, ty.rest + entry * 8)?;
                Some((self.text(name)?, value))
            })
            .collect()
    }

    fn prototype(&self, id: u32) -> Option<Vec<&'a str>> {
        let (owner, prototype) = self.ty(id)?;
        if prototype.kind() != kind::FUNC_PROTO {
            return None;
        }
        (0..prototype.entries())
            .map(|entry| {
                let [_name, ty] = words_at(&owner.data, prototype.rest + entry * 8)?;
                Some(self.pointee(ty).unwrap_or(""))
            })
            .collect()
    }

    /// Returns the name of the structure that a type points to.
    fn pointee(&self, id: u32) -> Option<&'a str> {
        let (_, pointer) = self.ty(self.resolve(id))?;
        if pointer.kind() != kind::PTR {
            return None;
        }
        let (_, target) = self.ty(self.resolve(pointer.size_or_type))?;
        if target.kind() == kind::STRUCT { self.text(target.name) } else { None }
    }

    fn structure(&self, name: &str) -> Option<u32> {
        self.anywhere(name, &[kind::STRUCT, kind::UNION])
    }

    /// Returns the id of a type of the module, or of vmlinux if the module has none of this name.
    fn anywhere(&self, name: &str, kinds: &[u8]) -> Option<u32> {
        self.split.and_then(|split| self.named(split, name, kinds)).or_else(|| self.named(self.base, name, kinds))
    }

    fn named(&self, owner: &Btf, name: &str, kinds: &[u8]) -> Option<u32> {
        let fits = |index: &u32| {
            let ty = owner.ty(*index);
            ty.is_some_and(|ty| kinds.contains(&ty.kind()) && self.bytes(ty.name) == Some(name.as_bytes()))
        };
        owner.names.candidates(name).find(fits).map(|index| owner.first_id + index)
    }

    fn direct_member(&self, structure: u32, name: &str) -> Option<Member> {
        let (owner, ty) = self.ty(structure)?;
        if !matches!(ty.kind(), kind::STRUCT | kind::UNION) {
            return None;
        }
        for entry in 0..ty.entries() {
            let [name_at, member_ty, offset] = words_at(&owner.data, ty.rest + entry * 12)?;
            // With the kind flag, the offset also holds the width of a bit field.
            let (bit, width) = if ty.info >> 31 == 1 { (offset & 0x00ff_ffff, offset >> 24) } else { (offset, 0) };
            match self.bytes(name_at).unwrap_or_default() {
                [] => {
                    if let Some(inner) = self.direct_member(self.resolve(member_ty), name) {
                        return Some(Member { bit: bit + inner.bit, ..inner });
                    }
                }
                found if found == name.as_bytes() => return Some(Member { bit, width, ty: member_ty }),
                _ => {}
            }
        }
        None
    }

    /// Follows typedefs and qualifiers.
    fn resolve(&self, mut id: u32) -> u32 {
        while let Some((_, ty)) = self.ty(id) {
            match ty.kind() {
                kind::TYPEDEF..=kind::RESTRICT | kind::TYPE_TAG => id = ty.size_or_type,
                _ => break,
            }
        }
        id
    }

    fn ty(&self, id: u32) -> Option<(&'a Btf, Type)> {
        let owner = match self.split {
            Some(split) if id >= split.first_id => split,
            _ => self.base,
        };
        Some((owner, owner.ty(id.checked_sub(owner.first_id)?)?))
    }

    fn text(&self, offset: u32) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(offset)?).ok()
    }

    fn bytes(&self, offset: u32) -> Option<&'a [u8]> {
        match self.split {
            Some(split) if offset >= split.first_string => split.string(offset),
            _ => self.base.string(offset),
        }
    }
}

/// Converts a number of types or bytes. BTF counts both in 32 bits, so that a blob cannot hold more.
fn count(types: usize) -> u32 {
    u32::try_from(types).unwrap_or(u32::MAX)
}

/// Reads the `N` words at `at`.
fn words_at<const N: usize>(data: &[u8], at: usize) -> Option<[u32; N]> {
    let mut rest = data.get(at..)?;
    let mut words = [0; N];
    for word in &mut words {
        *word = rest.try_get_u32_ne().ok()?;
    }
    Some(words)
}

#[cfg(test)]
pub(super) mod sample;
#[cfg(test)]
mod tests;
