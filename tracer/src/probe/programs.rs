//! Finds the BPF programs that packets pass, by id, and traces each.
//!
//! Each traced program needs separate tracing programs, because a tracing program is verified against the one function
//! that it is attached to.

use std::{collections::HashMap, os::fd::OwnedFd};

use aya_obj::generated::{bpf_attach_type, bpf_prog_type};
use tracer_common::placeholder;

use super::{
    error::Error,
    object::Object,
    sys::{self, Kind, Target},
};
use crate::kernel::btf::Btf;

/// A BPF program on the packets' path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// Its id.
    pub id: u32,
    /// Name of its main function, or the kernel's 15 bytes of the name if it has no BTF.
    pub name: String,
    /// `tc`, `xdp` or `cgroup_skb`.
    pub kind: &'static str,
    /// Why it is not traced, if it is not.
    pub untraced: Option<String>,
}

/// Types of programs that see packets, their common names, and the tracing programs for each.
const KINDS: &[(bpf_prog_type, &str, &[Tracing])] = &[
    (bpf_prog_type::BPF_PROG_TYPE_SCHED_CLS, "tc", SKB),
    (bpf_prog_type::BPF_PROG_TYPE_SCHED_ACT, "tc", SKB),
    (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SKB, "cgroup_skb", SKB),
    (bpf_prog_type::BPF_PROG_TYPE_XDP, "xdp", XDP),
];

type Tracing = (&'static str, bpf_attach_type);
const SKB: &[Tracing] = &[
    ("fentry_bpf_program", bpf_attach_type::BPF_TRACE_FENTRY),
    ("fexit_bpf_program", bpf_attach_type::BPF_TRACE_FEXIT),
];
const XDP: &[Tracing] = &[("fexit_xdp_program", bpf_attach_type::BPF_TRACE_FEXIT)];

/// Names of all these tracing programs.
pub const OURS: &[&str] = &[SKB[0].0, SKB[1].0, XDP[0].0];

/// Which programs have been examined. The kernel assigns ids in rising order.
#[derive(Default)]
pub struct Programs {
    newest: u32,
    types: HashMap<u32, Option<Btf>>,
}

/// The programs that a call of [`Programs::join`] found and traced.
#[derive(Default)]
pub struct Joined {
    /// Programs that were found, traced or not.
    pub found: Vec<Program>,
    /// Names of programs that see no packets, but what a program connects or sends to.
    pub at_sockets: Vec<String>,
    /// Our tracing programs.
    pub programs: Vec<OwnedFd>,
    /// Their links.
    pub links: Vec<OwnedFd>,
}

impl Programs {
    /// Traces the programs that were loaded since the last call. A program that is unloaded during the call is skipped.
    pub fn join(&mut self, object: &Object) -> Joined {
        let mut joined = Joined::default();
        while let Ok(id) = sys::next_program_id(self.newest) {
            self.newest = id;
            let Ok((fd, info)) = sys::program_by_id(id) else { continue };
            if info.kind == bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK_ADDR as u32 {
                joined.at_sockets.push(self.name(&info).unwrap_or(info.name));
                continue;
            }
            let Some((_, kind, tracing)) = KINDS.iter().find(|(ty, ..)| *ty as u32 == info.kind) else { continue };
            let name = self.name(&info).unwrap_or_else(|| info.name.clone());
            let untraced = trace(object, &fd, &info, tracing, &mut joined).err().map(|error| error.to_string());
            if let Some(reason) = &untraced {
                tracing::debug!("BPF program {name} (id {id}) is not traced: {reason}");
            }
            joined.found.push(Program { id, name, kind, untraced });
        }
        joined
    }

    /// Returns the full name, from the program's BTF.
    fn name(&mut self, info: &sys::ProgramInfo) -> Option<String> {
        let btf = info.btf?;
        let types = self.types.entry(btf).or_insert_with(|| {
            let data = sys::btf_data(btf).ok()?;
            Btf::parse(data, None).ok()
        });
        types.as_ref()?.name_of(info.function?).map(str::to_owned)
    }
}

fn trace(
    object: &Object,
    program: &OwnedFd,
    info: &sys::ProgramInfo,
    tracing: &[Tracing],
    joined: &mut Joined,
) -> Result<(), Error> {
    let function = info.function.ok_or(Error::ProgramWithoutBtf)?;
    let mut loaded = Vec::new();
    for (name, attach) in tracing {
        let kind =
            Kind { program: bpf_prog_type::BPF_PROG_TYPE_TRACING, attach: Some(*attach), btf_id: Some(function) };
        let replace = (placeholder::PROGRAM_ID, info.id.cast_signed());
        let fd = object.load_with(name, kind, Target::Program(program), Some(replace))?;
        let link = sys::raw_tracepoint_open(&fd, None)?;
        loaded.push((fd, link));
    }
    for (fd, link) in loaded {
        joined.programs.push(fd);
        joined.links.push(link);
    }
    Ok(())
}
