use std::cell::Cell;

use super::*;
use crate::kernel::btf::sample::{Enums, enums};

const CORE: (&str, &[(&str, u32)]) = (
    "skb_drop_reason",
    &[
        ("SKB_NOT_DROPPED_YET", 0),
        ("SKB_CONSUMED", 1),
        ("SKB_DROP_REASON_NOT_SPECIFIED", 2),
        ("SKB_DROP_REASON_MAX", 3),
        ("SKB_DROP_REASON_SUBSYS_MASK", 0xffff_0000),
    ],
);

/// As in 6.12.
const WITH_MONITOR: (&str, &[(&str, u32)]) = (
    "skb_drop_reason_subsys",
    &[
        ("SKB_DROP_REASON_SUBSYS_CORE", 0),
        ("SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE", 1),
        ("SKB_DROP_REASON_SUBSYS_MAC80211_MONITOR", 2),
        ("SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 3),
        ("SKB_DROP_REASON_SUBSYS_NUM", 4),
    ],
);

/// As in 7.3.
const WITH_QDISC: (&str, &[(&str, u32)]) = (
    "skb_drop_reason_subsys",
    &[
        ("SKB_DROP_REASON_SUBSYS_CORE", 0),
        ("SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE", 1),
        ("SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 2),
        ("SKB_DROP_REASON_SUBSYS_QDISC", 3),
        ("SKB_DROP_REASON_SUBSYS_NUM", 4),
    ],
);

fn reasons(vmlinux: Enums<'_>) -> Reasons {
    Reasons::new(Arc::new(Btf::parse(enums(None, vmlinux), None).expect("a whole blob")))
}

/// Looks a number up while only the module of this name is loaded.
fn with_module(reasons: &mut Reasons, number: u32, loaded: &str, module: Enums<'_>) -> Name {
    let data = enums(Some(&reasons.vmlinux), module);
    reasons.look_up(number, Instant::now(), |name| (name == loaded).then_some(data))
}

#[test]
fn core_reasons_and_numbers_without_a_name() {
    let mut reasons = reasons(&[CORE, WITH_MONITOR]);
    let mut name = |number| reasons.look_up(number, Instant::now(), |_| None);
    assert_eq!(name(2), "NOT_SPECIFIED");
    // MAX and the mask are no reasons.
    assert_eq!([name(3), name(0xffff_0000)], ["CORE:3", "SUBSYS_65535:0"]);
    assert_eq!(
        [name(0x1_0005), name(0x3_0001), name(0x4_0001)],
        ["MAC80211_UNUSABLE:5", "OPENVSWITCH:1", "SUBSYS_4:1"]
    );
}

#[test]
fn kernels_without_subsystems_or_reasons() {
    let mut without_subsystems = reasons(&[CORE]);
    assert_eq!(without_subsystems.name(1), "SKB_CONSUMED");
    assert_eq!([without_subsystems.name(9), without_subsystems.name(0x2_0001)], ["CORE:9", "SUBSYS_2:1"]);
    assert_eq!(reasons(&[]).name(2), "UNKNOWN");
}

#[test]
fn reasons_in_vmlinux() {
    let qdisc: &[(&str, u32)] = &[
        ("QDISC_DROP_UNSPEC", 0),
        ("__QDISC_DROP_REASON", 0x3_0000),
        ("QDISC_DROP_GENERIC", 0x3_0001),
        ("QDISC_DROP_OVERLIMIT", 0x3_0002),
        ("QDISC_DROP_MAX", 0x3_0003),
    ];
    // Open vSwitch may be built in.
    let ovs: &[(&str, u32)] = &[("OVS_DROP_LAST_ACTION", 0x2_0001)];
    let mut reasons = reasons(&[CORE, WITH_QDISC, ("qdisc_drop_reason", qdisc), ("ovs_drop_reason", ovs)]);
    assert_eq!(reasons.name(0), "SKB_NOT_DROPPED_YET");
    assert_eq!(reasons.name(0x3_0002), "QDISC_DROP_OVERLIMIT");
    assert_eq!([reasons.name(0x3_0000), reasons.name(0x3_0003)], ["QDISC:0", "QDISC:3"]);
    assert_eq!(reasons.name(0x2_0001), "OVS_DROP_LAST_ACTION");
}

#[test]
fn both_subsystems_of_mac80211() {
    let internal: &[(&str, u32)] = &[
        ("___RX_CONTINUE", 1),
        ("___RX_DROP_MONITOR", 0x2_0000),
        ("___RX_DROP_UNUSABLE", 0x1_0000),
        ("___RX_DROP_U_MIC_FAIL", 0x1_0001),
    ];
    let own: &[(&str, u32)] = &[("RX_CONTINUE", 1), ("RX_DROP_MONITOR", 0x2_0000), ("RX_DROP_U_MIC_FAIL", 0x1_0001)];
    let module: Enums<'_> = &[("___mac80211_drop_reason", internal), ("mac80211_drop_reason", own)];
    let mut reasons = reasons(&[CORE, WITH_MONITOR]);
    assert_eq!(with_module(&mut reasons, 0x1_0001, "mac80211", module), "RX_DROP_U_MIC_FAIL");
    let names = [0x1_0000, 0x2_0000, 0x2_0001, 1].map(|number| reasons.name(number));
    assert_eq!(names, ["RX_DROP_UNUSABLE", "RX_DROP_MONITOR", "MAC80211_MONITOR:1", "SKB_CONSUMED"]);
}

/// As in 6.15 to 6.19, where the unspecific reason has another name.
#[test]
fn the_spelling_of_the_code_precedes_the_internal_one() {
    let internal: &[(&str, u32)] = &[("___RX_DROP_UNUSABLE", 0x1_0000)];
    let own: &[(&str, u32)] = &[("RX_DROP", 0x1_0000)];
    let mut reasons = reasons(&[CORE, WITH_QDISC]);
    let module: Enums<'_> = &[("___mac80211_drop_reason", internal), ("mac80211_drop_reason", own)];
    assert_eq!(with_module(&mut reasons, 0x1_0000, "mac80211", module), "RX_DROP");
}

#[test]
fn a_module_that_is_loaded_during_the_trace_is_read_once() {
    let mut reasons = reasons(&[CORE, WITH_MONITOR]);
    let begin = Instant::now();
    let module = enums(Some(&reasons.vmlinux), &[("ovs_drop_reason", &[("OVS_DROP_METER", 0x3_0005)])]);
    let reads = Cell::new(0);
    let mut name = |number, after: u64, loaded: bool| {
        reasons.look_up(number, begin + Duration::from_millis(after), |name| {
            assert_eq!(name, "openvswitch");
            reads.set(reads.get() + 1);
            loaded.then(|| module.clone())
        })
    };
    assert_eq!([name(0x3_0005, 0, false), name(0x3_0006, 999, true)], ["OPENVSWITCH:5", "OPENVSWITCH:6"]);
    assert_eq!(reads.get(), 1, "not again within a second");
    assert_eq!(name(0x3_0005, 1000, true), "OVS_DROP_METER");
    assert_eq!([name(0x3_0005, 1001, true), name(0x3_0006, 9000, true)], ["OVS_DROP_METER", "OPENVSWITCH:6"]);
    assert_eq!(reads.get(), 2, "not again after its BTF was read");
    // Other subsystems have no part in that.
    assert_eq!([name(7, 9000, true), name(0x5_0001, 9000, true)], ["CORE:7", "SUBSYS_5:1"]);
    assert_eq!(reads.get(), 2);
}

#[test]
fn a_broken_module_is_no_panic() {
    let mut reasons = reasons(&[CORE, WITH_MONITOR]);
    let begin = Instant::now();
    assert_eq!(reasons.look_up(0x3_0001, begin, |_| Some(vec![0; 9])), "OPENVSWITCH:1");
    let later = enums(Some(&reasons.vmlinux), &[("ovs_drop_reason", &[("OVS_DROP_LAST_ACTION", 0x3_0001)])]);
    assert_eq!(reasons.look_up(0x3_0001, begin + RETRY, |_| Some(later)), "OVS_DROP_LAST_ACTION");
}
