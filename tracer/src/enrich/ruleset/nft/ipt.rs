//! Spells statements as `iptables-save` does, for chains that iptables-nft made.

use super::{
    super::{
        bytes,
        names::protocol,
        xt::{
            line::{Line, option},
            tcp_flags,
        },
    },
    data::Verdict,
    field::Field,
    stmt::{Bits, Limit, Match, Op, Stmt, Test},
};

/// Returns the rule's line; `None` if a statement has no spelling in iptables.
pub(super) fn line(chain: &str, stmts: &[Stmt]) -> Option<String> {
    let mut line = Line::default();
    for stmt in stmts {
        match stmt {
            Stmt::Counter => {}
            Stmt::Match(found) => compare(&mut line, found)?,
            Stmt::Limit(limit) => line.matches.push(self::limit(limit)?),
            Stmt::XtMatch(extension) => line.matches.push(extension.match_text()),
            Stmt::XtTarget(extension) => line.target = extension.target_text(),
            Stmt::Notrack => line.target = "-j CT --notrack".to_owned(),
            Stmt::Verdict(verdict) => line.target = self::verdict(verdict)?,
            Stmt::Vmap(_) | Stmt::Reject(_) | Stmt::Nat(_) | Stmt::Queue(_) | Stmt::Text(_) => return None,
        }
    }
    Some(line.text(chain))
}

fn verdict(verdict: &Verdict) -> Option<String> {
    Some(match verdict {
        Verdict::Accept => "-j ACCEPT".to_owned(),
        Verdict::Drop => "-j DROP".to_owned(),
        Verdict::Queue => "-j QUEUE".to_owned(),
        Verdict::Return => "-j RETURN".to_owned(),
        Verdict::Jump(chain) => format!("-j {chain}"),
        Verdict::Goto(chain) => format!("-g {chain}"),
        Verdict::Continue | Verdict::Other(_) => return None,
    })
}

fn compare(line: &mut Line, found: &Match) -> Option<()> {
    let field = found.load.field()?;
    let bits = found.load.bits.as_slice();
    match (field.name.as_str(), &found.test) {
        ("ip saddr" | "ip6 saddr", Test::Cmp(op, value)) => line.source = address(field, bits, *op, "-s", value)?,
        ("ip daddr" | "ip6 daddr", Test::Cmp(op, value)) => line.destination = address(field, bits, *op, "-d", value)?,
        ("iifname", Test::Cmp(op, value)) => line.input = option(negated(*op)?, "-i", &interface(value)),
        ("oifname", Test::Cmp(op, value)) => line.output = option(negated(*op)?, "-o", &interface(value)),
        ("meta l4proto" | "ip protocol" | "ip6 nexthdr", Test::Cmp(op, value)) => {
            line.protocol = option(negated(*op)?, "-p", &protocol(*value.first()?));
        }
        ("tcp sport" | "udp sport" | "tcp dport" | "udp dport", test) if bits.is_empty() => ports(line, field, test)?,
        ("tcp flags", Test::Cmp(op, value)) => {
            let mask = match bits {
                [Bits::Mask { mask, .. }] => *mask.first()?,
                _ => return None,
            };
            let flags = format!("{} {}", tcp_flags(mask), tcp_flags(*value.first()?));
            protocol_match(line, "tcp", &option(negated(*op)?, "--tcp-flags", &flags));
        }
        ("meta mark", Test::Cmp(op, value)) => {
            let mask = match bits {
                [] => String::new(),
                [Bits::Mask { mask, .. }] => format!("/{:#x}", bytes::host_number(mask)?),
                _ => return None,
            };
            let value = format!("{:#x}{mask}", bytes::host_number(value)?);
            line.matches.push(format!("-m mark {}", option(negated(*op)?, "--mark", &value)));
        }
        _ => return None,
    }
    Some(())
}

fn negated(op: Op) -> Option<bool> {
    match op {
        Op::Eq => Some(false),
        Op::Neq => Some(true),
        _ => None,
    }
}

/// Formats an address. iptables always writes the length of the prefix.
fn address(field: &Field, bits: &[Bits], op: Op, name: &str, value: &[u8]) -> Option<String> {
    let mask = match bits {
        [] if value.len() == field.len => format!("/{}", field.len * 8),
        [] => String::new(),
        [Bits::Mask { mask, .. }] => format!("/{}", bytes::prefix_len(mask)?),
        _ => return None,
    };
    Some(option(negated(op)?, name, &format!("{}{mask}", field.kind.text(value))))
}

fn interface(value: &[u8]) -> String {
    let any = if value.contains(&0) || value.len() == 16 { "" } else { "+" };
    format!("{}{any}", bytes::text(value))
}

fn ports(line: &mut Line, field: &Field, test: &Test) -> Option<()> {
    let (protocol, port) = field.name.split_once(' ')?;
    let name = format!("--{port}");
    let number = |value: &[u8]| bytes::net_number(value).map(|port| port.to_string());
    let text = match test {
        Test::Cmp(op @ (Op::Eq | Op::Neq), value) => option(negated(*op)?, &name, &number(value)?),
        Test::Cmp(Op::Gte, value) => option(false, &name, &format!("{}:65535", number(value)?)),
        Test::Cmp(Op::Lte, value) => option(false, &name, &format!("0:{}", number(value)?)),
        Test::Range(negated, low, high) => option(*negated, &name, &format!("{}:{}", number(low)?, number(high)?)),
        _ => return None,
    };
    protocol_match(line, protocol, &text);
    Some(())
}

/// Adds an option to the match of a protocol, because one `-m tcp` takes all options of its kind.
fn protocol_match(line: &mut Line, protocol: &str, text: &str) {
    let prefix = format!("-m {protocol} ");
    match line.matches.iter_mut().find(|known| known.starts_with(&prefix)) {
        Some(known) => *known += &format!(" {text}"),
        None => line.matches.push(format!("{prefix}{text}")),
    }
}

fn limit(limit: &Limit) -> Option<String> {
    let unit = match limit.unit {
        1 => "sec",
        60 => "min",
        3600 => "hour",
        86400 => "day",
        _ => return None,
    };
    // iptables omits its default burst, 5.
    let burst = if limit.burst == 5 { String::new() } else { format!(" --limit-burst {}", limit.burst) };
    (!limit.over && !limit.bytes).then(|| format!("-m limit --limit {}/{unit}{burst}", limit.rate))
}

/// Returns whether iptables-nft may have made the rule: each of its rules has a counter or an extension of iptables.
pub(super) fn is_plausible(stmts: &[Stmt]) -> bool {
    stmts.contains(&Stmt::Counter) || stmts.iter().any(|stmt| matches!(stmt, Stmt::XtMatch(_) | Stmt::XtTarget(_)))
}

#[cfg(test)]
#[test]
fn protocols_have_the_names_of_etc_protocols() {
    assert_eq!(protocol(58), "ipv6-icmp");
    assert_eq!(protocol(253), "253");
}
