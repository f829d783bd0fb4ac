//! Follows values through the registers of a rule's expressions.

use std::collections::BTreeMap;

use super::{
    super::{attrs::Attrs, bytes, xt::Extension},
    data::{Data, Verdict},
    field::Field,
    objects::{Element, Set},
    payload::{self, Protocols},
    stmt::{Bits, Limit, Load, Lookup, Match, Op, Stmt, Test},
    value::Kind,
    {other, spell},
};

/// Looks up the sets and interfaces that a rule's expressions refer to.
pub(super) trait Sets {
    /// Returns the set of this name.
    fn set(&self, name: &str) -> Option<Set>;
    /// Returns the elements of a set; `None` if they could not be read.
    fn elements(&self, name: &str) -> Option<Vec<Element>>;
    /// Returns the name of the interface with this ifindex.
    fn interface(&self, index: u32) -> Option<String>;
}

/// Returns the statements of a rule in a table of `family` (`NFPROTO_*`).
pub(super) fn statements(family: u8, expressions: &[u8], sets: &dyn Sets) -> Vec<Stmt> {
    let protocols = Protocols { l3: matches!(family, 2 | 10).then_some(family), l4: None };
    let mut walk = RuleDecoder { sets, family, protocols, registers: BTreeMap::new(), stmts: Vec::new() };
    for (_, expression) in Attrs(expressions).iter() {
        let expression = Attrs(expression);
        let name = expression.text(1).unwrap_or_else(|| "…".to_owned());
        if walk.expression(&name, expression.nested(2)).is_none() {
            walk.stmts.push(Stmt::Text(format!("[{name}]")));
        }
    }
    walk.stmts
}

/// The state between expressions.
pub(super) struct RuleDecoder<'a> {
    sets: &'a dyn Sets,
    pub(super) family: u8,
    protocols: Protocols,
    /// Values by the number of the 4-byte word at which they begin.
    registers: BTreeMap<u32, Load>,
    stmts: Vec<Stmt>,
}

impl RuleDecoder<'_> {
    /// Processes one expression; `None` if it is not known or lacks an attribute that it needs.
    fn expression(&mut self, name: &str, attrs: Attrs<'_>) -> Option<()> {
        let stmt = match name {
            "meta" => return self.load_or_set(attrs, 1, 3, Field::meta(attrs.u32(2)?)),
            "ct" => return self.load_or_set(attrs, 1, 4, Field::ct(attrs.u32(2)?, attrs.u8(3))),
            "payload" => return self.payload(attrs),
            "bitwise" => return self.bitwise(attrs),
            "byteorder" => return self.copy(attrs.u32(1)?, attrs.u32(2)?),
            "cmp" => return self.cmp(attrs),
            "range" => return self.range(attrs),
            "lookup" => return self.lookup(attrs),
            "immediate" => return self.immediate(attrs),
            "counter" => Stmt::Counter,
            "notrack" => Stmt::Notrack,
            "limit" => Stmt::Limit(Limit {
                rate: attrs.u64(1)?,
                unit: attrs.u64(2)?,
                burst: attrs.u32(3).unwrap_or(0),
                bytes: attrs.u32(4) == Some(1),
                over: attrs.u32(5).unwrap_or(0) & 1 != 0,
            }),
            "match" => Stmt::XtMatch(extension(self.family, attrs)?),
            "target" => Stmt::XtTarget(extension(self.family, attrs)?),
            "reject" => Stmt::Reject(other::reject(attrs, self.protocols.l3)),
            "queue" => Stmt::Queue(other::queue(attrs)),
            "exthdr" if attrs.get(1).is_none() => {
                let field = other::exthdr(attrs);
                let value = self.operand(attrs.u32(7)?, field.kind, field.len);
                Stmt::Text(format!("{} set {value}", field.name))
            }
            "nat" | "masq" | "redir" => Stmt::Nat(other::nat(self, name, attrs)?),
            _ => match other::load(name, attrs) {
                Some((register, field)) => return self.put(register, Load::of(field)),
                None => Stmt::Text(other::text(self, name, attrs)?),
            },
        };
        self.stmts.push(stmt);
        Some(())
    }

    /// Processes `meta` or `ct`, which load a register or set the field from one.
    fn load_or_set(&mut self, attrs: Attrs<'_>, dreg: u16, sreg: u16, field: Field) -> Option<()> {
        if let Some(register) = attrs.u32(dreg) {
            return self.put(register, Load::of(field));
        }
        let value = self.operand(attrs.u32(sreg)?, field.kind, field.len);
        self.stmts.push(Stmt::Text(format!("{} set {value}", field.name)));
        Some(())
    }

    fn payload(&mut self, attrs: Attrs<'_>) -> Option<()> {
        let (base, offset, len) = (attrs.u32(2)?, attrs.u32(3)?, attrs.u32(4)?);
        let parts = payload::fields(base, offset, len, self.protocols);
        self.imply(&parts);
        if let Some(register) = attrs.u32(1) {
            return self.put(register, Load { parts, ..Load::default() });
        }
        let (field, len) = parts.into_iter().next()?;
        let value = self.operand(attrs.u32(5)?, field.kind, len);
        self.stmts.push(Stmt::Text(format!("{} set {value}", field.name)));
        Some(())
    }

    /// Hides the earlier match that a header field implies: `tcp dport` says by itself that the packet is TCP.
    fn imply(&mut self, parts: &[(Field, usize)]) {
        let header = parts.first().and_then(|(field, _)| field.name.split(' ').next());
        let implied: &[&[&str]] = match header {
            Some("tcp" | "udp" | "sctp") => &[TRANSPORT],
            Some("icmp" | "icmpv6") => &[TRANSPORT, NETWORK],
            Some("ip" | "ip6") => &[NETWORK],
            Some("ether") => &[&["meta iiftype"]],
            _ => return,
        };
        for names in implied {
            let by_name = |stmt: &&mut Stmt| match stmt {
                Stmt::Match(Match { load, test: Test::Cmp(Op::Eq, _), .. }) => {
                    load.bits.is_empty() && load.field().is_some_and(|field| names.contains(&field.name.as_str()))
                }
                _ => false,
            };
            if let Some(Stmt::Match(Match { implied, .. })) = self.stmts.iter_mut().rev().find(by_name) {
                *implied = true;
            }
        }
    }

    fn bitwise(&mut self, attrs: Attrs<'_>) -> Option<()> {
        let mut load = self.get(attrs.u32(1)?);
        let shift = || attrs.nested(7).u32(1);
        let value = |kind| attrs.nested(kind).get(1).map(<[u8]>::to_vec);
        load.bits.push(match attrs.u32(6).unwrap_or(0) {
            0 => Bits::Mask { mask: value(4)?, xor: value(5)? },
            1 => Bits::Left(shift()?),
            2 => Bits::Right(shift()?),
            _ => Bits::Other,
        });
        self.put(attrs.u32(2)?, load)
    }

    fn cmp(&mut self, attrs: Attrs<'_>) -> Option<()> {
        let mut load = self.get(attrs.u32(1)?);
        let op = [Op::Eq, Op::Neq, Op::Lt, Op::Lte, Op::Gt, Op::Gte].into_iter().nth(attrs.u32(2)? as usize)?;
        let mut value = attrs.nested(3).get(1)?.to_vec();
        if let Some((field, _)) =
            load.parts.first_mut().filter(|(field, _)| matches!(field.name.as_str(), "iif" | "oif"))
            && let Some(name) = bytes::u32_at(&value, 0).and_then(|index| self.sets.interface(index))
        {
            (field.kind, value) = (Kind::Name, [name.as_bytes(), &[0]].concat());
        }
        if op == Op::Lte
            && let Some(Stmt::Match(Match { load: lower, test, .. })) = self.stmts.last_mut()
            && *lower == load
            && let Test::Cmp(Op::Gte, low) = test
        {
            *test = Test::Range(false, std::mem::take(low), value);
            return Some(());
        }
        self.learn(&load, op, &value);
        if op == Op::Eq && load.bits.is_empty() && load.parts.len() > 1 {
            let mut rest = value.as_slice();
            for (field, len) in load.parts {
                let (value, after) = rest.split_at_checked(len)?;
                let load = Load { parts: vec![(field, len)], ..Load::default() };
                self.push_match(load, Test::Cmp(op, value.to_vec()));
                rest = after;
            }
            return Some(());
        }
        self.push_match(load, Test::Cmp(op, value));
        Some(())
    }

    /// Remembers the protocol that the rest of the rule may rely on.
    fn learn(&mut self, load: &Load, op: Op, value: &[u8]) {
        let (Some(field), Op::Eq, true) = (load.field(), op, load.bits.is_empty()) else { return };
        match (field.name.as_str(), value) {
            ("meta nfproto", [family]) => self.protocols.l3 = Some(*family),
            ("meta protocol" | "ether type", [0x08, 0x00]) => self.protocols.l3 = Some(2),
            ("meta protocol" | "ether type", [0x86, 0xdd]) => self.protocols.l3 = Some(10),
            ("meta l4proto" | "ip protocol" | "ip6 nexthdr", [protocol]) => self.protocols.l4 = Some(*protocol),
            _ => {}
        }
    }

    fn range(&mut self, attrs: Attrs<'_>) -> Option<()> {
        let load = self.get(attrs.u32(1)?);
        let (low, high) = (attrs.nested(3).get(1)?.to_vec(), attrs.nested(4).get(1)?.to_vec());
        self.push_match(load, Test::Range(attrs.u32(2)? == 1, low, high));
        Some(())
    }

    fn lookup(&mut self, attrs: Attrs<'_>) -> Option<()> {
        let (name, source) = (attrs.text(1)?, attrs.u32(2)?);
        let set = self.sets.set(&name);
        let load = self.key(source, set.as_ref().map(|set| set.key_len));
        let data_kind = set.as_ref().map_or(Kind::Hex, |set| Kind::of_type(set.data_type));
        let (anonymous, interval) =
            set.map_or((name.starts_with("__"), false), |set| (set.anonymous(), set.interval()));
        // A named set may be huge and is written by its name. Its elements matter only for ct state and verdicts.
        let wanted = anonymous || attrs.u32(3) == Some(0) || load.field().is_some_and(Field::is_ct_state);
        let elements = wanted.then(|| self.sets.elements(&name)).flatten();
        let lookup = Lookup { load, set: name, anonymous, interval, data_kind, elements };
        match attrs.u32(3) {
            None => {
                let negated = attrs.u32(5).unwrap_or(0) & 1 != 0;
                let load = lookup.load.clone();
                self.push_match(load, Test::In(negated, lookup));
            }
            Some(0) => self.stmts.push(Stmt::Vmap(lookup)),
            Some(register) => {
                let text = spell::map(&lookup);
                return self.put(register, Load::of(Field::new(text, Kind::Hex, 0)));
            }
        }
        Some(())
    }

    fn immediate(&mut self, attrs: Attrs<'_>) -> Option<()> {
        match Data::decode(attrs.nested(2)) {
            Data::Verdict(Verdict::Continue) => {}
            Data::Verdict(verdict) => self.stmts.push(Stmt::Verdict(verdict)),
            Data::Value(value) => {
                return self.put(attrs.u32(1)?, Load { constant: Some(value), ..Load::default() });
            }
        }
        Some(())
    }

    fn push_match(&mut self, load: Load, test: Test) {
        self.stmts.push(Stmt::Match(Match { load, test, implied: false }));
    }

    /// Formats a register's contents as a value of `kind`.
    pub(super) fn operand(&self, register: u32, kind: Kind, len: usize) -> String {
        let load = self.get(register);
        match &load.constant {
            Some(value) => kind.text(value.get(..len).filter(|_| len > 0).unwrap_or(value)),
            None => spell::load(&load, kind),
        }
    }

    fn copy(&mut self, from: u32, to: u32) -> Option<()> {
        let load = self.get(from);
        self.put(to, load)
    }

    fn put(&mut self, register: u32, load: Load) -> Option<()> {
        self.registers.insert(word(register)?, load);
        Some(())
    }

    fn get(&self, register: u32) -> Load {
        let known = word(register).and_then(|word| self.registers.get(&word)).cloned();
        known.unwrap_or_else(|| Load::of(Field::new("…", Kind::Hex, 0)))
    }

    /// Returns the value of `len` bytes that begins in a register: the contents of the register and, for a
    /// concatenation, of those after it. Each part takes whole words.
    fn key(&self, register: u32, len: Option<usize>) -> Load {
        let first = self.get(register);
        let (Some(len), Some(mut at)) = (len, word(register)) else { return first };
        let taken = |load: &Load| load.parts.iter().map(|(_, len)| *len).sum::<usize>();
        if taken(&first) >= len || !first.bits.is_empty() {
            return first;
        }
        let mut parts = Vec::new();
        let mut bytes = 0;
        while bytes < len {
            let Some(part) = self.registers.get(&at).filter(|part| part.constant.is_none() && taken(part) > 0) else {
                parts.push((Field::new("…", Kind::Hex, len - bytes), len - bytes));
                break;
            };
            let size = taken(part).next_multiple_of(4);
            parts.extend(part.parts.iter().cloned());
            bytes += size;
            at = at.saturating_add(u32::try_from(size / 4).unwrap_or(u32::MAX));
        }
        Load { parts, ..Load::default() }
    }
}

/// Matches that a field of a transport header implies.
const TRANSPORT: &[&str] = &["meta l4proto", "ip protocol", "ip6 nexthdr"];
/// Matches that a field of a network header implies.
const NETWORK: &[&str] = &["meta nfproto", "meta protocol"];

/// Returns the first 4-byte word of a register. Registers 1 to 4 are the old 16-byte ones (`NFT_REG_1`), and 8 and up
/// are the words themselves (`NFT_REG32_00`). 0 is the verdict.
fn word(register: u32) -> Option<u32> {
    match register {
        1..=4 => Some((register - 1) * 4),
        8..=27 => Some(register - 8),
        _ => None,
    }
}

/// Decodes `NFTA_MATCH_*` or `NFTA_TARGET_*` (include/uapi/linux/netfilter/nf_tables_compat.h).
fn extension(family: u8, attrs: Attrs<'_>) -> Option<Extension> {
    let revision = attrs.u32(2).and_then(|revision| u8::try_from(revision).ok()).unwrap_or(0);
    Some(Extension {
        ipv6: family == 10,
        name: attrs.text(1)?,
        revision,
        info: attrs.get(3).unwrap_or_default().to_vec(),
    })
}
