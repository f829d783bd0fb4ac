//! Tests with answers of real kernels, in `samples/`. [`record`] recorded them.

use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    io::{self, ErrorKind},
};

use proptest::prelude::*;

use super::{socket::Message, *};
use crate::enrich::ruleset::{Key, attrs::encode};

/// All look-ups of a ruleset that was loaded with `nft -f samples/NAME.nft` or `samples/iptables.sh nft`: a line for
/// each request, and one for each object of its answer.
struct Recorded(&'static str);

impl Dump for Recorded {
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>> {
        let request = format!("? {message} {family} {}", hex(attrs));
        let mut lines = self.0.lines().skip_while(|line| *line != request);
        lines.next().ok_or(ErrorKind::NotFound)?;
        Ok(lines.map_while(|line| line.strip_prefix("! ")).filter_map(object).collect())
    }
}

fn object(line: &str) -> Option<Message> {
    let (family, attrs) = line.split_once(' ')?;
    Some(Message { family: family.parse().ok()?, attrs: unhex(attrs) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).filter_map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}

/// Records the answers of the running kernel.
#[derive(Default)]
struct Recorder(RefCell<String>);

impl Dump for Recorder {
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>> {
        let answer = Running.dump(message, family, attrs)?;
        let mut text = self.0.borrow_mut();
        let _ = writeln!(text, "? {message} {family} {}", hex(attrs));
        for object in &answer {
            let _ = writeln!(text, "! {} {}", object.family, hex(&object.attrs));
        }
        Ok(answer)
    }
}

/// Returns all chains of the kernel.
fn all(kernel: &dyn Dump) -> Vec<Wanted> {
    let tables = objects::tables(kernel).unwrap_or_default();
    let chains = tables.iter().flat_map(|table| {
        let family = NfFamily::from_nfproto(table.family);
        let chains = objects::chains(kernel, table).unwrap_or_default();
        chains.into_iter().filter_map(move |chain| {
            let table = Key { handle: table.handle, name: table.name.clone() };
            Some(Wanted { family: family?, table, chain: Key { handle: chain.handle, name: chain.name } })
        })
    });
    chains.collect()
}

#[test]
#[ignore = "writes what the running kernel has to the file named by RECORD"]
fn record() {
    let recorder = Recorder::default();
    look_up_from(&recorder, Tools::Leave, 0, &all(&Running), &mut Lookup::default());
    let file = std::env::var("RECORD").expect("RECORD names the file to write");
    fs::write(file, recorder.0.into_inner()).expect("the file can be written");
}

/// Returns the whole look-up as text.
fn read_back(sample: &'static str) -> String {
    let mut lookup = Lookup::default();
    let kernel = Recorded(sample);
    look_up_from(&kernel, Tools::Leave, 7, &all(&kernel), &mut lookup);
    assert_eq!(lookup.problems, [""; 0]);
    crate::enrich::ruleset::describe(lookup.chains.iter().map(|found| &found.chain))
}

#[test]
fn statements_of_nft() {
    insta::assert_snapshot!(read_back(include_str!("samples/statements.txt")));
}

#[test]
fn rules_of_iptables_nft() {
    insta::assert_snapshot!(read_back(include_str!("samples/iptables.txt")));
}

fn chain(kernel: &dyn Dump, family: NfFamily, table: &str, chain: &str) -> Wanted {
    let named = |wanted: &Wanted| (wanted.family, &*wanted.table.name, &*wanted.chain.name) == (family, table, chain);
    all(kernel).into_iter().find(named).expect("it is there")
}

#[test]
fn only_the_wanted_chain_and_what_it_leads_to() {
    let kernel = Recorded(include_str!("samples/iptables.txt"));
    let wanted = chain(&kernel, NfFamily::Ip6, "raw", "PREROUTING");
    let mut lookup = Lookup::default();
    look_up_from(&kernel, Tools::Leave, 7, &[wanted], &mut lookup);
    let names: Vec<_> = lookup.chains.iter().map(|found| (found.chain.family, found.chain.chain.as_str())).collect();
    assert_eq!(names, [(NfFamily::Ip6, "PREROUTING"), (NfFamily::Ip6, "CILIUM_PRE_raw")]);
}

#[test]
fn what_is_gone_is_said() {
    let kernel = Recorded(include_str!("samples/iptables.txt"));
    let there = chain(&kernel, NfFamily::Ip, "raw", "PREROUTING");
    let nine = || Key { handle: 999, name: "nine".to_owned() };
    let wanted = [Wanted { chain: nine(), ..there.clone() }, Wanted { table: nine(), ..there.clone() }, there];
    let mut lookup = Lookup::default();
    look_up_from(&kernel, Tools::Leave, 7, &wanted, &mut lookup);
    let problems = [
        "chain nine of nftables table ip raw no longer exists",
        "chain PREROUTING of nftables table ip nine no longer exists",
    ];
    assert_eq!(lookup.problems, problems);
}

#[test]
fn a_refusal_is_a_sentence() {
    struct Refusing;
    impl Dump for Refusing {
        fn dump(&self, _: u8, _: u8, _: &[u8]) -> io::Result<Vec<Message>> {
            Err(io::Error::from_raw_os_error(libc::EPERM))
        }
    }
    let mut lookup = Lookup::default();
    let kernel = Recorded(include_str!("samples/iptables.txt"));
    look_up_from(&Refusing, Tools::Leave, 7, &all(&kernel), &mut lookup);
    assert_eq!(lookup.problems, ["the nftables ruleset cannot be read: no permission (run as root)"]);
}

/// Finds no set, so that each expression is decoded by itself.
struct NoSets;

impl Sets for NoSets {
    fn set(&self, _: &str) -> Option<Set> {
        None
    }

    fn elements(&self, _: &str) -> Option<Vec<Element>> {
        Some(vec![Element { key: vec![1], ..Element::default() }])
    }

    fn interface(&self, index: u32) -> Option<String> {
        (index == 1).then(|| "lo".to_owned())
    }
}

/// Runs all functions that decode or describe a rule's expressions.
fn digest(family: u8, expressions: &[u8]) {
    let stmts = walk::statements(family, expressions, &NoSets);
    facts::rule(1, &stmts);
    facts::targets(&stmts);
    spell::rule(&stmts, None);
    ipt::line("chain", &stmts);
}

/// Generates an expression with a known name, and attributes of a valid form with random contents.
fn expression() -> impl Strategy<Value = Vec<u8>> {
    const NAMES: &[&str] = &[
        "meta",
        "ct",
        "payload",
        "bitwise",
        "byteorder",
        "cmp",
        "range",
        "lookup",
        "immediate",
        "counter",
        "limit",
        "match",
        "target",
        "reject",
        "nat",
        "masq",
        "redir",
        "fib",
        "socket",
        "rt",
        "exthdr",
        "log",
        "queue",
        "quota",
        "connlimit",
        "objref",
        "dynset",
        "dup",
        "fwd",
        "flow_offload",
        "unheard-of",
    ];
    let number = (0_u32..40).prop_map(|number| number.to_be_bytes().to_vec());
    let value = prop_oneof![
        number,
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| encode(1, &value)),
    ];
    let attributes = prop::collection::vec((0_u16..12, value), 0..8);
    (prop::sample::select(NAMES), attributes).prop_map(|(name, attributes)| {
        let data: Vec<u8> = attributes.iter().flat_map(|(kind, value)| encode(*kind, value)).collect();
        encode(1, &[encode(1, name.as_bytes()), encode(2, &data)].concat())
    })
}

proptest! {
    #[test]
    fn any_expression_is_read_without_panic(
        family in 0_u8..12,
        expressions in prop::collection::vec(expression(), 0..12),
    ) {
        digest(family, &expressions.concat());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        digest(2, &bytes);
    }

    #[test]
    fn a_real_rule_with_a_wrong_byte_is_read_without_panic(line in 0_usize..400, at in 0_usize..2000, byte: u8) {
        let lines: Vec<_> = include_str!("samples/statements.txt").lines().filter_map(|line| line.strip_prefix("! ")).collect();
        let mut message = object(lines[line % lines.len()]).expect("a recorded object");
        let at = at % message.attrs.len();
        message.attrs[at] = byte;
        struct One(Message);
        impl Dump for One {
            fn dump(&self, _: u8, _: u8, _: &[u8]) -> io::Result<Vec<Message>> {
                Ok(vec![self.0.clone()])
            }
        }
        let mut lookup = Lookup::default();
        let kernel = One(message);
        look_up_from(&kernel, Tools::Leave, 7, &all(&kernel), &mut lookup);
    }
}
