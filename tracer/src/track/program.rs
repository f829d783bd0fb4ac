//! BPF programs that packets passed: their names, and their verdicts in the kernel's spelling.

use tracer_common::{Change as WireChange, by};

use crate::{
    fast::Map,
    model::{Bpf, Name},
};

/// The programs that packets may pass, by id.
#[derive(Default)]
pub struct Programs(Map<u32, (Name, Name)>);

impl Programs {
    /// Records a program's name and kind (`tc`, `xdp`, `cgroup_skb`).
    pub fn learn(&mut self, id: u32, name: &str, kind: &str) {
        self.0.insert(id, (name.into(), kind.into()));
    }

    /// Returns the program that made a change, if one did.
    pub fn of(&self, wire: &WireChange) -> Option<Box<Bpf>> {
        if wire.by != by::PROGRAM {
            return None;
        }
        let id = wire.program;
        let (program, kind) =
            self.0.get(&id).cloned().unwrap_or_else(|| (format!("program {id}").into(), Name::default()));
        let verdict = verdict(&kind, wire.code);
        let mark_before = (kind != XDP && wire.mark_before != wire.step.mark).then_some(wire.mark_before);
        Some(Box::new(Bpf { program, id, kind, verdict, mark_before }))
    }
}

const XDP: &str = "xdp";

/// Whether the packet ended in an XDP program that ran before there was an skb. No other hook reports such an end.
pub fn ended_in_xdp(bpf: &Bpf, wire: &WireChange) -> bool {
    bpf.kind == XDP && wire.step.len == 0 && matches!(bpf.verdict.as_str(), "XDP_DROP" | "XDP_ABORTED")
}

/// Names a verdict (`include/uapi/linux/pkt_cls.h`, `include/uapi/linux/bpf.h`); an unknown one is its number.
fn verdict(kind: &str, code: i32) -> Name {
    const TC: &[&str] = &[
        "TC_ACT_OK",
        "TC_ACT_RECLASSIFY",
        "TC_ACT_SHOT",
        "TC_ACT_PIPE",
        "TC_ACT_STOLEN",
        "TC_ACT_QUEUED",
        "TC_ACT_REPEAT",
        "TC_ACT_REDIRECT",
        "TC_ACT_TRAP",
    ];
    const XDP_VERDICTS: &[&str] = &["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"];
    const CGROUP: &[&str] = &["SK_DROP", "SK_PASS"];
    let names = match kind {
        "tc" if code == -1 => return Name::new_static("TC_ACT_UNSPEC"),
        "tc" => TC,
        XDP => XDP_VERDICTS,
        "cgroup_skb" => CGROUP,
        _ => &[],
    };
    let name = usize::try_from(code).ok().and_then(|code| names.get(code));
    name.map_or_else(|| code.to_string().into(), |name| Name::new_static(name))
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn verdicts_are_spelled_as_the_kernel_does() {
        assert_eq!(verdict("tc", 7), "TC_ACT_REDIRECT");
        assert_eq!(verdict("tc", -1), "TC_ACT_UNSPEC");
        assert_eq!(verdict("xdp", 1), "XDP_DROP");
        assert_eq!(verdict("cgroup_skb", 0), "SK_DROP");
        assert_eq!(verdict("tc", 99), "99");
    }
}
