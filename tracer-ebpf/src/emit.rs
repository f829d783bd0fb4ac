//! Reports what is seen of tracked packets: in the ring buffer as it happens, or with `--drops` in each packet's
//! trail, which follows its drop.

mod conntrack;
pub mod device;
mod kinds;
pub mod once;
mod ring;
mod trail;

use tracer_common::{HookId, flag};

pub use conntrack::ct_tuple;
pub use kinds::{Changed, Decided, Details, Note, Report};
pub use ring::{attempt, stamp};

use crate::{
    frozen::field,
    headers::Seen,
    packet::{self, Packet},
    read::Read,
};

/// A tracked packet at a hook.
#[derive(Clone, Copy)]
pub struct At {
    /// The hook.
    pub hook: HookId,
    /// Its `struct sk_buff`; null for a buffer that is not an skb yet.
    pub skb: *const u8,
    /// What is known of the packet.
    pub packet: *mut Packet,
    /// Where it is.
    pub place: Place,
}

/// Where a packet is, as far as the hook's arguments show. A pointer is null if they do not show it.
#[derive(Clone, Copy)]
pub struct Place {
    /// `struct net_device`.
    pub dev: *const u8,
    /// `struct net`, if it is known without a device.
    pub net: *const u8,
}

impl Place {
    /// Returns the device that the skb is on.
    #[inline(always)]
    pub fn of<R: Read>(skb: *const u8) -> Self {
        Self::device(R::pointer(skb, field!(layout.skb_dev)))
    }

    /// Returns a device, which may be null.
    #[inline(always)]
    pub fn device(dev: *const u8) -> Self {
        Self { dev, net: core::ptr::null() }
    }
}

/// Starts to track an skb. Returns `None` if there is no room.
#[inline(always)]
pub fn begin(skb: *const u8, seen: &Seen) -> Option<*mut Packet> {
    let packet = start(skb, seen);
    (!packet.is_null()).then_some(packet)
}

/// Returns null if there is no room. Not inlined: see `read_into` in [`crate::headers`] about the stack.
#[inline(never)]
fn start(skb: *const u8, seen: &Seen) -> *mut Packet {
    let packet = packet::begin(skb, seen);
    if !packet.is_null() && trail::is_on() {
        trail::begin(packet);
    }
    packet
}

/// Reports a tracked packet at a hook.
#[inline(always)]
pub fn report<R: Read, W: Report>(at: &At, what: W) {
    device::locate::<R>(at);
    if trail::is_on() {
        trail::keep::<R, W>(at, what);
    } else {
        conntrack::report_if_new::<R>(at);
        ring::send::<R, W>(at, what);
    }
    // SAFETY: a packet from the map.
    unsafe { (*at.packet).flags &= !flag::AT_ALLOWED_IPS };
}

/// Reports the step at which a tracked packet ends without arriving.
#[inline(always)]
pub fn end<R: Read>(at: &At, details: Details) {
    if trail::is_on() {
        device::locate::<R>(at);
        trail::send::<R>(at, details);
    } else {
        report::<R, _>(at, details);
    }
}

/// Ends a packet whose drop was the last thing reported. Only a trail needs to be sent then.
#[inline(always)]
pub fn end_reported<R: Read>(at: &At) {
    if trail::is_on() {
        trail::send::<R>(at, Details::default());
    }
}

/// Reports something about a tracked packet that is not a step.
#[inline(always)]
pub fn note<N: Note>(hook: HookId, packet: *mut Packet, write: impl FnOnce(&mut N)) {
    if trail::is_on() {
        trail::note(hook, packet, write);
    } else {
        ring::note(hook, packet, write);
    }
}
