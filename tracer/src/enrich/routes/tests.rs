use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, Emitable as _, Parseable as _};
use netlink_packet_route::{
    AddressFamily,
    rule::{RuleAction, RuleAttribute, RuleFlags, RuleHeader, RuleMessage, RulePortRange, RuleUidRange},
};

use super::{
    rule::Rule,
    walk::{RuleInput, leads_to},
    *,
};

fn addr(text: &str) -> IpAddr {
    text.parse().expect(text)
}

/// Encodes a rule and decodes it as if the kernel had sent it.
fn rule(priority: u32, table: u32, lens: (u8, u8), attributes: &[RuleAttribute]) -> RuleMessage {
    let mut message = RuleMessage::default();
    let (src_len, dst_len) = lens;
    message.header = RuleHeader {
        family: AddressFamily::Inet,
        src_len,
        dst_len,
        table: u8::try_from(table).unwrap_or(252),
        action: RuleAction::ToTable,
        ..RuleHeader::default()
    };
    message.attributes = vec![RuleAttribute::Priority(priority), RuleAttribute::Table(table)];
    message.attributes.extend_from_slice(attributes);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    RuleMessage::parse(&bytes).expect("what was emitted can be parsed")
}

fn with_header(mut message: RuleMessage, change: impl Fn(&mut RuleHeader)) -> Rule {
    change(&mut message.header);
    message.into()
}

/// Returns the rules for `main` and `default`, which every netns has for IPv4.
fn common() -> [Rule; 2] {
    [rule(32766, 254, (0, 0), &[]).into(), rule(32767, 253, (0, 0), &[]).into()]
}

fn mark(value: u32, mask: u32) -> [RuleAttribute; 2] {
    [RuleAttribute::FwMark(value), RuleAttribute::FwMask(mask)]
}

fn led(rules: &[Rule], asked: &Asked, table: u32, prefix_len: Option<u8>) -> Option<String> {
    let place = RuleInput { asked, iif: Some("lo"), oif: asked.oif.map(|_| "eth0") };
    leads_to(rules, &place, table, prefix_len).map(ToString::to_string)
}

#[test]
fn a_mark_leads_to_its_table() {
    let [main, default] = common();
    let rules = [rule(32500, 180, (0, 0), &mark(0x40, 0x60)).into(), main, default];
    let marked = Asked { mark: 0x6_0d40, ..Asked::to(addr("192.0.2.1")) };
    assert_eq!(led(&rules, &marked, 180, None).as_deref(), Some("32500: fwmark 0x40/0x60 lookup 180"));
    // The marked packet's table has no route, so the kernel goes on to the next rule.
    assert_eq!(led(&rules, &marked, 254, None).as_deref(), Some("32766: from all lookup main"));
    let plain = Asked { mark: 0x20, ..marked };
    assert_eq!(led(&rules, &plain, 254, None).as_deref(), Some("32766: from all lookup main"));
    assert_eq!(led(&rules, &plain, 180, None), None, "no rule leads there");
}

#[test]
fn wg_quick() {
    let [main, default] = common();
    let suppressed = rule(32764, 254, (0, 0), &[RuleAttribute::SuppressPrefixLen(0)]).into();
    let not = with_header(rule(32765, 51820, (0, 0), &mark(0xca6c, u32::MAX)), |header| {
        header.flags |= RuleFlags::Invert;
    });
    let rules = [suppressed, not, main, default];
    let asked = Asked::to(addr("192.0.2.1"));
    assert_eq!(led(&rules, &asked, 51820, Some(0)).as_deref(), Some("32765: not fwmark 0xca6c lookup 51820"));
    assert_eq!(
        led(&rules, &asked, 254, Some(24)).as_deref(),
        Some("32764: from all lookup main suppress_prefixlength 0")
    );
    let outer = Asked { mark: 0xca6c, ..asked };
    assert_eq!(led(&rules, &outer, 254, Some(0)).as_deref(), Some("32766: from all lookup main"));
    assert_eq!(led(&rules, &outer, 254, None), None, "whether the default route counts is not known");
}

#[test]
fn every_selector_that_is_known() {
    let ports = RulePortRange { start: 8000, end: 8080 };
    let selectors = [
        RuleAttribute::Source(addr("10.0.0.0")),
        RuleAttribute::Destination(addr("192.0.2.1")),
        RuleAttribute::Oifname("eth0".to_owned()),
        RuleAttribute::Iifname("lo".to_owned()),
        // `FRA_IP_PROTO`, whose type has no public name.
        RuleAttribute::Other(DefaultNla::new(22, vec![6])),
        RuleAttribute::SourcePortRange(RulePortRange { start: 53, end: 53 }),
        RuleAttribute::DestinationPortRange(ports),
        RuleAttribute::Other(DefaultNla::new(28, vec![0xff; 2])),
    ];
    let rules = [rule(10, 7, (8, 32), &selectors).into()];
    let asked = Asked {
        src: Some(addr("10.1.2.3")),
        oif: Some(2),
        proto: Some(6),
        sport: Some(53),
        dport: Some(8001),
        ..Asked::to(addr("192.0.2.1"))
    };
    let spelled =
        "10: from 10.0.0.0/8 to 192.0.2.1 iif lo oif eth0 ipproto tcp sport 53 dport 8000-8080 lookup 7".to_owned();
    assert_eq!(led(&rules, &asked, 7, None), Some(spelled));
    for other in [
        Asked { dst: addr("192.0.2.2"), ..asked },
        Asked { src: Some(addr("11.0.0.1")), ..asked },
        Asked { oif: None, ..asked },
        Asked { proto: Some(17), ..asked },
        Asked { sport: None, ..asked },
        Asked { dport: Some(80), ..asked },
    ] {
        assert_eq!(led(&rules, &other, 7, None), None, "{other:?}");
    }
}

#[test]
fn nothing_is_certain_after_a_rule_that_asks_for_what_is_not_known() {
    let asked = Asked::to(addr("192.0.2.1"));
    let main = || common()[0].clone();
    let sure = Some("32766: from all lookup main".to_owned());
    let unknown: [Rule; 4] = [
        rule(5, 9, (0, 0), &[RuleAttribute::UidRange(RuleUidRange { start: 1000, end: 1000 })]).into(),
        rule(5, 9, (0, 0), &[RuleAttribute::L3MDev(true)]).into(),
        rule(5, 9, (0, 0), &[RuleAttribute::Other(DefaultNla::new(28, vec![0xff, 0xf0]))]).into(),
        with_header(rule(5, 9, (0, 0), &[]), |header| header.tos = 0x10),
    ];
    for first in unknown {
        let spelled = first.to_string();
        assert_eq!(led(&[first.clone(), main()], &asked, 254, None), None, "{spelled}");
        // If the packet does not have the mark that the rule asks for, the other selectors do not matter.
        let first = Rule { fwmark: Some((1, 1)), ..first };
        assert_eq!(led(&[first, main()], &asked, 254, None), sure, "{spelled}");
    }
}

#[test]
fn goto_jumps_forward() {
    let [main, _] = common();
    let jump = with_header(rule(10, 0, (0, 0), &[RuleAttribute::Goto(32766)]), |header| {
        header.action = RuleAction::Goto;
    });
    let skipped = rule(20, 254, (0, 0), &[]).into();
    assert_eq!(jump.to_string(), "10: from all goto 32766");
    let asked = Asked::to(addr("192.0.2.1"));
    assert_eq!(led(&[jump, skipped, main], &asked, 254, None).as_deref(), Some("32766: from all lookup main"));
}

#[test]
fn tables_with_names() {
    assert_eq!([255, 254, 253, 180].map(table), ["local", "main", "default", "180"]);
}

#[test]
fn the_running_kernel_routes_to_the_loopback_device() {
    let netns = Netns::current().expect("/proc is there");
    let found = route(&netns, &Asked::to(addr("127.0.0.1"))).expect("the loopback address can always be reached");
    assert_eq!((found.oif, found.device.as_str(), found.gateway), (1, "lo", None));
}
