//! Tells user space about a device, once.

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel_str, macros::map, maps::LruHashMap};
use tracer_common::{Device, kind};

use super::{Place, attempt, header};
use crate::{
    layout::field,
    packet::Packet,
    read::{Probed, Read, copy},
};

/// A device's address is used again after the device is gone, its ifindex hardly ever.
#[repr(C)]
#[derive(Clone, Copy)]
struct Key {
    dev: u64,
    ifindex: u64,
}

#[map]
static DEVICES_TOLD: LruHashMap<Key, u8> = LruHashMap::with_max_entries(4096, 0);

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
    let key = Key { dev: dev as u64, ifindex: ifindex.into() };
    if DEVICES_TOLD.get_ptr(key).is_some() {
        return;
    }
    let told = attempt(|record: *mut Device| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = header(kind::DEVICE, hook, packet);
        let net: *const u8 = Probed::at(dev, field!(layout.dev_net));
        record.netns = Probed::at(net, field!(layout.net_inum));
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
    if told {
        let _full = DEVICES_TOLD.insert(key, 1, 0);
    }
}
