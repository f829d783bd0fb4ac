//! Attaches the lab's programs where the kernel runs them.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, include_bytes_aligned,
    programs::{
        SchedClassifier, TcAttachType,
        links::LinkOrder,
        tc::{NlOptions, TcAttachOptions, qdisc_add_clsact},
    },
    util::KernelVersion,
};
use clap::ValueEnum;
use nix::{errno::Errno, net::if_::if_nametoindex};

/// The object of `lab-ebpf`.
pub static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/lab-ebpf"));

/// What holds a tc program at a device.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Hook {
    /// A tcx link, which ends with this process; before kernel 6.6 `clsact`, as Cilium does
    Tcx,
    /// A filter of the qdisc `clsact`
    Clsact,
    /// A netkit pair, by its primary device; ingress is what the peer sends
    Netkit,
}

/// Loads the program and attaches it.
pub fn attach_tc(object: &mut Ebpf, program: &str, device: &str, side: TcAttachType, by: Hook) -> Result<()> {
    let program: &mut SchedClassifier = object.program_mut(program).context("not in the object")?.try_into()?;
    program.load()?;
    let options = match by {
        Hook::Tcx if KernelVersion::current()? >= KernelVersion::new(6, 6, 0) => {
            TcAttachOptions::TcxOrder(LinkOrder::default())
        }
        Hook::Tcx | Hook::Clsact => {
            // The program on the other side of the same device may have added it already.
            let _ = qdisc_add_clsact(device);
            TcAttachOptions::Netlink(NlOptions::default())
        }
        Hook::Netkit => return attach_netkit(program, device, side),
    };
    program.attach_with_options(device, side, options)?;
    Ok(())
}

/// Attaches a program to a netkit device, which Aya 0.14 does not support.
fn attach_netkit(program: &SchedClassifier, device: &str, side: TcAttachType) -> Result<()> {
    const BPF_LINK_CREATE: i32 = 28;
    const BPF_NETKIT_PRIMARY: u32 = 54;
    const BPF_NETKIT_PEER: u32 = 55;
    /// The fields of `bpf_attr.link_create` that matter; the rest of the 64 bytes is zero.
    #[repr(C, align(8))]
    struct LinkCreate {
        prog_fd: i32,
        target_ifindex: u32,
        attach_type: u32,
        flags: u32,
        rest: [u64; 6],
    }
    let attr = LinkCreate {
        prog_fd: std::os::fd::AsFd::as_fd(program.fd()?).as_raw_fd(),
        target_ifindex: if_nametoindex(device)?,
        attach_type: if matches!(side, TcAttachType::Ingress) { BPF_NETKIT_PEER } else { BPF_NETKIT_PRIMARY },
        flags: 0,
        rest: [0; 6],
    };
    // SAFETY: the attributes are valid and of the given size; the kernel only reads them.
    let link = unsafe { libc::syscall(libc::SYS_bpf, BPF_LINK_CREATE, &attr, size_of::<LinkCreate>()) };
    let link = Errno::result(link).context("creating a netkit link")?;
    // SAFETY: the kernel has just opened this descriptor for us.
    let link = unsafe { OwnedFd::from_raw_fd(i32::try_from(link)?) };
    // The descriptor holds the program in place until the process ends.
    std::mem::forget(link);
    Ok(())
}
