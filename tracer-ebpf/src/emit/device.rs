//! Reports a device to user space, once.

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str,
    macros::map,
    maps::{Array, LruHashMap},
};
use tracer_common::{Device, HookId, kind};

use super::{
    At, Place, attempt,
    once::{self, RECENT, Thing},
    stamp,
};
use crate::{
    frozen::field,
    packet::Packet,
    read::{Probed, Read, copy},
};

/// Devices that were reported, by address, ifindex and netns.
#[map]
static DEVICES_SENT: LruHashMap<Thing, u8> = LruHashMap::with_max_entries(4096, 0);

#[map]
static RECENT_DEVICES: Array<Thing> = Array::with_max_entries(RECENT, 0);

/// Keeps where the packet is from now on, and emits a [`Device`] record for a device that has had none.
#[inline(always)]
pub fn locate<R: Read>(at: &At) {
    let At { hook, packet, place: Place { dev, net }, .. } = *at;
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    if dev.is_null() {
        if !net.is_null() {
            let netns = R::Beyond::at(net, field!(layout.net_inum));
            if netns != packet.netns {
                packet.netns = netns;
                // In another netns, the device of the previous step means nothing.
                packet.dev = 0;
            }
        }
    } else if dev as u64 != packet.dev {
        let net = R::Beyond::pointer(dev, field!(layout.dev_net));
        packet.dev = dev as u64;
        packet.netns = R::Beyond::at(net, field!(layout.net_inum));
        packet.ifindex = R::Beyond::at(dev, field!(layout.dev_ifindex));
        let names = u64::from(packet.netns) << 32 | u64::from(packet.ifindex);
        // What is read from the map is a number, even if the verifier took it for a pointer.
        // SAFETY: a reference is valid for reads.
        let dev = unsafe { (&raw const packet.dev).read_volatile() };
        send_device_once(hook.0.into(), packet.id, dev, names);
    }
}

/// Returns the ifindex of the device that the packet was located at, 0 if there is none.
#[inline(always)]
pub fn ifindex(packet: &Packet, place: Place) -> u32 {
    if place.dev.is_null() { 0 } else { packet.ifindex }
}

/// Emits a [`Device`] record unless this device has had one. The upper half of `names` is the netns, the lower half
/// the ifindex. Global so that the verifier checks it once: see `skip_extensions` in [`crate::headers`].
#[unsafe(no_mangle)]
extern "C" fn send_device_once(hook: u64, packet: u64, dev: u64, names: u64) -> u64 {
    let (netns, ifindex) = ((names >> 32) as u32, names as u32);
    let device = Thing { address: dev, number: ifindex.into(), owner: netns.into() };
    if once::was_sent(&device, &RECENT_DEVICES, &DEVICES_SENT) {
        return 0;
    }
    let dev = dev as *const u8;
    let sent = attempt(|record: *mut Device| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = stamp(kind::DEVICE, HookId(hook as u16), packet);
        record.netns = netns;
        record.ifindex = ifindex;
        record.mtu = Probed::at(dev, field!(layout.dev_mtu));
        record.pad = 0;
        copy(record.ifname.as_mut_ptr(), dev.wrapping_add(usize::from(field!(layout.dev_name))), 16);
        record.kind = [0; 16];
        let ops: *const u8 = Probed::at(dev, field!(layout.dev_link_ops));
        if !ops.is_null() {
            let kind: *const u8 = Probed::at(ops, field!(layout.link_ops_kind));
            // SAFETY: the destination has that many bytes; the helper checks the source.
            unsafe { bpf_probe_read_kernel_str(record.kind.as_mut_ptr().cast(), 16, kind.cast()) };
        }
    });
    if sent {
        once::keep_sent(&device, &DEVICES_SENT);
    }
    0
}
