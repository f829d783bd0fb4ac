//! Reads BTF (Documentation/bpf/btf.rst), vmlinux' and the split BTF of modules.
//!
//! Our own reader: aya-obj cannot walk members and does not take split BTF, `btfparse` has no split
//! BTF, `btf-rs` is LGPL. It reads what layouts, signatures and enumerations ask for and nothing else.

use std::collections::HashMap;

/// `BTF_KIND_*` as far as they are looked at.
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

/// One BTF blob.
pub struct Btf {
    data: Vec<u8>,
    types: Vec<Type>,
    first_id: u32,
    strings: usize,
    first_string: u32,
    strings_len: u32,
    names: HashMap<String, Vec<u32>>,
}

#[derive(Clone, Copy)]
struct Type {
    name: u32,
    info: u32,
    /// Size or type id, depending on the kind.
    size_or_type: u32,
    /// Where what follows the header begins.
    rest: usize,
}

impl Type {
    fn kind(self) -> u8 {
        ((self.info >> 24) & 0x1f) as u8
    }

    fn entries(self) -> usize {
        (self.info & 0xffff) as usize
    }
}

impl Btf {
    /// Parses a blob; a module's on top of vmlinux'.
    ///
    /// # Errors
    /// A sentence where the blob is cut short or of an unknown kind.
    pub fn parse(data: Vec<u8>, base: Option<&Self>) -> Result<Self, String> {
        let word = |at: usize| u32_at(&data, at).ok_or_else(|| "the header is cut short".to_owned());
        if data.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err("the magic number is missing".to_owned());
        }
        let header = word(4)? as usize;
        let types_at = header + word(8)? as usize;
        let types_end = types_at + word(12)? as usize;
        let strings = header + word(16)? as usize;
        let strings_len = word(20)?;
        let (first_id, first_string) =
            base.map_or((1, 0), |base| (base.first_id + count(base.types.len()), base.first_string + base.strings_len));
        if data.len() < types_end || data.len() < strings + strings_len as usize {
            return Err("a section is cut short".to_owned());
        }
        let types = read_types(&data, types_at, types_end)?;
        let mut btf = Self { data, types, first_id, strings, first_string, strings_len, names: HashMap::new() };
        btf.index(base);
        Ok(btf)
    }

    /// Name of a type, or of a function.
    #[must_use]
    pub fn name_of(&self, id: u32) -> Option<&str> {
        let ty = self.types.get(id.checked_sub(self.first_id)? as usize)?;
        self.string(ty.name).filter(|name| !name.is_empty())
    }

    fn index(&mut self, base: Option<&Self>) {
        let mut names: HashMap<String, Vec<u32>> = HashMap::new();
        for (index, ty) in self.types.iter().enumerate() {
            if matches!(ty.kind(), kind::STRUCT | kind::UNION | kind::FUNC | kind::TYPEDEF | kind::ENUM | kind::ENUM64)
            {
                let owner = if ty.name >= self.first_string { Some(&*self) } else { base };
                if let Some(name) = owner.and_then(|owner| owner.string(ty.name)).filter(|name| !name.is_empty()) {
                    names.entry(name.to_owned()).or_default().push(self.first_id + count(index));
                }
            }
        }
        self.names = names;
    }

    fn string(&self, offset: u32) -> Option<&str> {
        let start = self.strings + offset.checked_sub(self.first_string)? as usize;
        let text = self.data.get(start..self.strings + self.strings_len as usize)?;
        let end = text.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&text[..end]).ok()
    }
}

fn read_types(data: &[u8], mut at: usize, end: usize) -> Result<Vec<Type>, String> {
    let mut types = Vec::with_capacity((end - at) / 20);
    while at < end {
        let word = |offset| u32_at(data, at + offset).ok_or_else(|| "a type is cut short".to_owned());
        let ty = Type { name: word(0)?, info: word(4)?, size_or_type: word(8)?, rest: at + 12 };
        at += 12
            + match ty.kind() {
                kind::INT | kind::VAR | kind::DECL_TAG => 4,
                kind::ARRAY => 12,
                kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * ty.entries(),
                kind::ENUM | kind::FUNC_PROTO => 8 * ty.entries(),
                kind::PTR | 7..=kind::FUNC | kind::FLOAT | kind::TYPE_TAG => 0,
                other => return Err(format!("type kind {other} is unknown")),
            };
        types.push(ty);
    }
    Ok(types)
}

/// A module's types on top of vmlinux', or vmlinux' alone.
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
    /// Member `a.b.c` of a structure or union, through anonymous members.
    #[must_use]
    pub fn member(&self, structure: &str, path: &str) -> Option<Member> {
        let mut found = Member { bit: 0, width: 0, ty: self.structure(structure)? };
        for name in path.split('.') {
            let member = self.direct_member(self.resolve(found.ty), name)?;
            found = Member { bit: found.bit + member.bit, ..member };
        }
        Some(found)
    }

    /// Size of a structure in bytes.
    #[must_use]
    pub fn size(&self, structure: &str) -> Option<u32> {
        Some(self.ty(self.structure(structure)?)?.1.size_or_type)
    }

    /// Id of a function defined in the module (in vmlinux where there is no module).
    #[must_use]
    pub fn function(&self, name: &str) -> Option<u32> {
        let own = self.split.unwrap_or(self.base);
        self.named(own, name, &[kind::FUNC])
    }

    /// Id of the typedef that stands for a tracepoint's signature.
    #[must_use]
    pub fn tracepoint(&self, name: &str) -> Option<u32> {
        self.named(self.base, &format!("btf_trace_{name}"), &[kind::TYPEDEF])
    }

    /// What the parameters of a function are: the structure that each points to, empty for others.
    #[must_use]
    pub fn parameters(&self, function: u32) -> Option<Vec<&'a str>> {
        let (_, func) = self.ty(function)?;
        self.prototype(func.size_or_type)
    }

    /// The same of a tracepoint, without the leading context.
    #[must_use]
    pub fn tracepoint_parameters(&self, typedef: u32) -> Option<Vec<&'a str>> {
        let (_, pointer) = self.ty(self.resolve(typedef))?;
        let mut parameters = self.prototype(pointer.size_or_type)?;
        if !parameters.is_empty() {
            parameters.remove(0);
        }
        Some(parameters)
    }

    /// Names and values of an enumeration.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<Vec<(&'a str, u32)>> {
        let (owner, ty) = self.ty(self.named(self.base, name, &[kind::ENUM])?)?;
        (0..ty.entries())
            .map(|entry| {
                let at = ty.rest + entry * 8;
                Some((self.text(u32_at(&owner.data, at)?)?, u32_at(&owner.data, at + 4)?))
            })
            .collect()
    }

    fn prototype(&self, id: u32) -> Option<Vec<&'a str>> {
        let (owner, prototype) = self.ty(id)?;
        if prototype.kind() != kind::FUNC_PROTO {
            return None;
        }
        (0..prototype.entries())
            .map(|entry| Some(self.pointee(u32_at(&owner.data, prototype.rest + entry * 8 + 4)?).unwrap_or("")))
            .collect()
    }

    /// Name of the structure that a type points to.
    fn pointee(&self, id: u32) -> Option<&'a str> {
        let (_, pointer) = self.ty(self.resolve(id))?;
        if pointer.kind() != kind::PTR {
            return None;
        }
        let (_, target) = self.ty(self.resolve(pointer.size_or_type))?;
        if target.kind() == kind::STRUCT { self.text(target.name) } else { None }
    }

    fn structure(&self, name: &str) -> Option<u32> {
        let kinds = [kind::STRUCT, kind::UNION];
        self.split.and_then(|split| self.named(split, name, &kinds)).or_else(|| self.named(self.base, name, &kinds))
    }

    fn named(&self, owner: &Btf, name: &str, kinds: &[u8]) -> Option<u32> {
        owner.names.get(name)?.iter().copied().find(|id| self.ty(*id).is_some_and(|(_, ty)| kinds.contains(&ty.kind())))
    }

    fn direct_member(&self, structure: u32, name: &str) -> Option<Member> {
        let (owner, ty) = self.ty(structure)?;
        if !matches!(ty.kind(), kind::STRUCT | kind::UNION) {
            return None;
        }
        for entry in 0..ty.entries() {
            let at = ty.rest + entry * 12;
            let (name_at, member_ty, offset) =
                (u32_at(&owner.data, at)?, u32_at(&owner.data, at + 4)?, u32_at(&owner.data, at + 8)?);
            // With the kind flag the offset holds the width of a bit field, too.
            let (bit, width) = if ty.info >> 31 == 1 { (offset & 0x00ff_ffff, offset >> 24) } else { (offset, 0) };
            match self.text(name_at).unwrap_or("") {
                "" => {
                    if let Some(inner) = self.direct_member(self.resolve(member_ty), name) {
                        return Some(Member { bit: bit + inner.bit, ..inner });
                    }
                }
                found if found == name => return Some(Member { bit, width, ty: member_ty }),
                _ => {}
            }
        }
        None
    }

    /// Through typedefs and qualifiers.
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
        let index = id.checked_sub(owner.first_id)?;
        Some((owner, *owner.types.get(index as usize)?))
    }

    fn text(&self, offset: u32) -> Option<&'a str> {
        match self.split {
            Some(split) if offset >= split.first_string => split.string(offset),
            _ => self.base.string(offset),
        }
    }
}

/// Ids are 32 bits wide: a blob cannot hold more types.
fn count(types: usize) -> u32 {
    u32::try_from(types).unwrap_or(u32::MAX)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(data.get(at..at + 4)?.try_into().ok()?))
}
