//! Tells user space about a device, once.

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str,
    macros::map,
    maps::{Array, LruHashMap},
};
use tracer_common::{Device, kind};

use super::{
    Place, attempt, header,
    told::{self, RECENT, Thing},
};
use crate::{
    layout::field,
    packet::Packet,
    read::{Probed, Read, copy},
};

/// By ifindex and netns.
#[map]
static DEVICES_TOLD: LruHashMap<Thing, u8> = LruHashMap::with_max_entries(4096, 0);

#[map]
static RECENT_DEVICES: Array<Thing> = Array::with_max_entries(RECENT, 0);

/// Emits a [`Device`] record unless this device has had one.
#[inline(always)]
pub fn tell_once<R: Read>(hook: u16, packet: *mut Packet, place: Place) {
    let dev = place.dev;
    // SAFETY: a packet from the map.
    if dev.is_null() || dev as u64 == unsafe { (*packet).dev } {
        return;
    }
    tell::<R>(hook, packet, dev);
}

#[inline(never)]
fn tell<R: Read>(hook: u16, packet: *mut Packet, dev: *const u8) {
    let ifindex: u32 = R::at(dev, field!(layout.dev_ifindex));
    let net: *const u8 = R::at(dev, field!(layout.dev_net));
    let netns: u32 = R::at(net, field!(layout.net_inum));
    let device = Thing { address: dev as u64, number: ifindex.into(), owner: netns.into() };
    if told::is_told(&device, &RECENT_DEVICES, &DEVICES_TOLD) {
        return;
    }
    let sent = attempt(|record: *mut Device| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = header(kind::DEVICE, hook, packet);
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
        told::told(&device, &DEVICES_TOLD);
    }
}
