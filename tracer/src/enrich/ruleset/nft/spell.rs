//! Spells statements as `nft` does.

use super::{
    super::bytes,
    data::Data,
    objects::Element,
    stmt::{Bits, Limit, Load, Lookup, Match, Op, Stmt, Test},
    value::Kind,
};

/// Returns a rule's text.
pub(super) fn rule(stmts: &[Stmt], comment: Option<&str>) -> String {
    let mut parts: Vec<String> = stmts.iter().filter_map(stmt).collect();
    parts.extend(comment.map(|comment| format!("comment \"{comment}\"")));
    parts.join(" ")
}

fn stmt(stmt: &Stmt) -> Option<String> {
    Some(match stmt {
        Stmt::Match(Match { implied: true, .. }) => return None,
        Stmt::Match(found) => self::compare(found),
        Stmt::Verdict(verdict) => verdict.nft(),
        Stmt::Vmap(lookup) => format!("{} vmap {}", load(&lookup.load, Kind::Hex), set(lookup)),
        Stmt::Counter => "counter".to_owned(),
        Stmt::Notrack => "notrack".to_owned(),
        Stmt::Limit(limit) => self::limit(limit),
        Stmt::Reject(text) | Stmt::Nat(text) | Stmt::Queue(text) | Stmt::Text(text) => text.clone(),
        Stmt::XtMatch(extension) => format!("xt match ({})", extension.match_text()),
        Stmt::XtTarget(extension) => format!("xt target ({})", extension.target_text()),
    })
}

fn compare(found: &Match) -> String {
    let field = found.load.field();
    let kind = field.map_or(Kind::Hex, |field| field.kind);
    let flags = kind.is_flags();
    let name = field.map_or_else(|| names(&found.load), |field| field.name.clone());
    match (found.load.bits.as_slice(), &found.test) {
        // `ct state a,b` is encoded as a mask and a comparison with zero.
        ([Bits::Mask { mask, xor }], Test::Cmp(op @ (Op::Eq | Op::Neq), value))
            if flags && zero(xor) && zero(value) =>
        {
            let not = if *op == Op::Eq { "! " } else { "" };
            format!("{name} {not}{}", kind.text(mask))
        }
        ([Bits::Mask { mask, xor }], Test::Cmp(op @ (Op::Eq | Op::Neq), value))
            if kind.is_address() && zero(xor) && bytes::prefix_len(mask).is_some() =>
        {
            let not = if *op == Op::Eq { "" } else { "!= " };
            format!("{name} {not}{}/{}", kind.text(value), bytes::prefix_len(mask).unwrap_or(0))
        }
        (bits, Test::Cmp(op, value)) => {
            let sign = match op {
                // A value of flags matches any of them unless `==` is written.
                Op::Eq if bits.is_empty() && !flags => "",
                Op::Eq => "== ",
                Op::Neq => "!= ",
                Op::Lt => "< ",
                Op::Lte => "<= ",
                Op::Gt => "> ",
                Op::Gte => ">= ",
            };
            format!("{} {sign}{}", load(&found.load, kind), parts(&found.load, value))
        }
        (_, Test::Range(negated, low, high)) => {
            format!("{} {}{}", load(&found.load, kind), not(*negated), kind.range(low, high))
        }
        (_, Test::In(negated, lookup)) => {
            format!("{} {}{}", load(&found.load, kind), not(*negated), set(lookup))
        }
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "!= " } else { "" }
}

fn zero(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == 0)
}

fn names(load: &Load) -> String {
    load.parts.iter().map(|(field, _)| field.name.as_str()).collect::<Vec<_>>().join(" . ")
}

/// Spells the contents of a register: `meta mark & 0x00000f00`.
pub(super) fn load(load: &Load, kind: Kind) -> String {
    let kind = load.field().map_or(kind, |field| field.kind);
    let start = load.constant.as_ref().map_or_else(|| names(load), |value| kind.text(value));
    load.bits.iter().fold(start, |text, bits| match bits {
        Bits::Mask { mask, xor } => {
            // `a & ~x | x` sets the bits of x. Bits of x that the mask keeps are flipped instead.
            let sign = if mask.iter().zip(xor).all(|(mask, xor)| mask & xor == 0) { '|' } else { '^' };
            match (mask.iter().all(|byte| *byte == 0xff), zero(xor)) {
                (_, true) => format!("{text} & {}", kind.text(mask)),
                (true, false) => format!("{text} {sign} {}", kind.text(xor)),
                (false, false) => format!("{text} & {} {sign} {}", kind.text(mask), kind.text(xor)),
            }
        }
        Bits::Left(by) => format!("{text} << {by}"),
        Bits::Right(by) => format!("{text} >> {by}"),
        Bits::Other => format!("{text} […]"),
    })
}

/// Formats bytes as the values of the fields that they belong to. If there are several fields, each takes whole words.
fn parts(load: &Load, value: &[u8]) -> String {
    let each = split(load, value).map(|(kind, value)| kind.text(value)).collect::<Vec<_>>();
    each.join(" . ")
}

fn split<'a>(load: &'a Load, value: &'a [u8]) -> impl Iterator<Item = (Kind, &'a [u8])> {
    let single = load.parts.len() == 1;
    let mut rest = value;
    load.parts.iter().map(move |(field, len)| {
        if single {
            return (field.kind, rest);
        }
        let part = rest.get(..*len).unwrap_or(rest);
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        (field.kind, part)
    })
}

/// Spells a set: `{ 22, 80 }`, `@name`.
fn set(lookup: &Lookup) -> String {
    let Some(elements) = lookup.elements.as_ref().filter(|_| lookup.anonymous) else {
        return if lookup.anonymous { "{ … }".to_owned() } else { format!("@{}", lookup.set) };
    };
    let mut texts = element_texts(lookup, elements);
    let more = texts.len().saturating_sub(SHOWN);
    if more > 0 {
        texts.truncate(SHOWN);
        texts.push(format!("… {more} more"));
    }
    format!("{{ {} }}", texts.join(", "))
}

/// Maximum number of elements of a set to write out.
const SHOWN: usize = 64;

/// Spells a map look-up: `key map @name`.
pub(super) fn map(lookup: &Lookup) -> String {
    format!("{} map {}", load(&lookup.load, Kind::Hex), set(lookup))
}

fn element_texts(lookup: &Lookup, elements: &[Element]) -> Vec<String> {
    let mut sorted: Vec<&Element> = elements.iter().collect();
    sorted.sort_by(|a, b| (a.catchall, &a.key, !a.interval_end).cmp(&(b.catchall, &b.key, !b.interval_end)));
    let mut texts = Vec::new();
    for (index, element) in sorted.iter().enumerate() {
        if element.interval_end {
            continue;
        }
        let last = match (&element.key_end, lookup.interval) {
            (Some(end), _) => Some(end.clone()),
            // The next element marks the end of this one's range. The last range may be open.
            (None, true) if !element.catchall => {
                let next = sorted.get(index + 1).filter(|next| !next.catchall);
                Some(next.map_or_else(|| vec![0xff; element.key.len()], |next| before(&next.key)))
            }
            _ => None,
        };
        let key = match last {
            _ if element.catchall => "*".to_owned(),
            None => parts(&lookup.load, &element.key),
            Some(last) => {
                let ends = split(&lookup.load, &element.key).zip(split(&lookup.load, &last));
                ends.map(|((kind, low), (_, high))| kind.range(low, high)).collect::<Vec<_>>().join(" . ")
            }
        };
        texts.push(match &element.data {
            None => key,
            Some(Data::Verdict(verdict)) => format!("{key} : {}", verdict.nft()),
            Some(Data::Value(value)) => format!("{key} : {}", lookup.data_kind.text(value)),
        });
    }
    texts
}

/// Returns the preceding number, as bytes in network order.
fn before(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    for byte in key.iter_mut().rev() {
        let borrow = *byte == 0;
        *byte = byte.wrapping_sub(1);
        if !borrow {
            break;
        }
    }
    key
}

fn limit(limit: &Limit) -> String {
    let unit = match limit.unit {
        1 => "second",
        60 => "minute",
        3600 => "hour",
        86400 => "day",
        604_800 => "week",
        _ => "[unit]",
    };
    let over = if limit.over { "over " } else { "" };
    let (bytes, of) = if limit.bytes { (" bytes", "bytes") } else { ("", "packets") };
    // `nft` omits the default burst, 5 packets.
    let burst = if limit.burst == 0 || (limit.burst == 5 && !limit.bytes) {
        String::new()
    } else {
        format!(" burst {} {of}", limit.burst)
    };
    format!("limit rate {over}{}{bytes}/{unit}{burst}", limit.rate)
}
