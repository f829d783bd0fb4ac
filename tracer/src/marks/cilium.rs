//! Cilium's marks: a magic value in four bits, and with some of them an identity or other number.
//!
//! Source: `bpf/lib/common.h` (`MARK_MAGIC_*`), `bpf/lib/overloadable_skb.h` (`get_identity`) and
//! `pkg/identity/numericidentity.go` of Cilium 1.19. 0x0800 is left out because its meaning changed.

use super::Reading;

/// `MARK_MAGIC_HOST_MASK`
const MAGIC: u32 = 0x0f00;
/// `MARK_MAGIC_WG_ENCRYPTED` is the one value that also uses the bits of the key.
const WG_ENCRYPTED: (u32, u32) = (0x1e00, 0xff00);
/// `MARK_MAGIC_DECRYPT`
const DECRYPT: u32 = 0x0d00;
const UPPER: u32 = 0xffff_0000;
/// The upper eight bits of an identity: those of its cluster.
const CLUSTER: u32 = 0xff;

/// What the upper 16 bits hold.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Upper {
    Nothing,
    Identity,
    Endpoint,
    Node,
    Port,
}

const MAGICS: &[(u32, &str, Upper)] = &[
    (0x0200, "to its proxy", Upper::Port),
    (0x0300, "SNAT done", Upper::Nothing),
    (0x0400, "sent by its overlay", Upper::Identity),
    (0x0500, "egress gateway done", Upper::Identity),
    (0x0900, "from its egress proxy", Upper::Endpoint),
    (0x0a00, "from its ingress proxy", Upper::Identity),
    (0x0b00, "from its egress proxy", Upper::Identity),
    (0x0c00, "from the host", Upper::Nothing),
    (DECRYPT, "decrypted", Upper::Identity),
    (0x0e00, "to be encrypted", Upper::Node),
    (0x0f00, "", Upper::Identity),
];

/// Reserved identities.
const RESERVED: &[(u32, &str)] = &[
    (1, "host"),
    (2, "world"),
    (3, "unmanaged"),
    (4, "health"),
    (5, "init"),
    (6, "remote-node"),
    (7, "kube-apiserver"),
    (8, "ingress"),
    (9, "world-ipv4"),
    (10, "world-ipv6"),
];

/// Explains the magic value and the upper half if they are Cilium's.
pub(super) fn read(reading: &mut Reading) {
    let (value, mask) = WG_ENCRYPTED;
    if reading.take(value, mask, "Cilium: encrypted by WireGuard") {
        return;
    }
    let Some((value, words, upper)) = magic(reading.mark) else { return };
    let number = reading.mark >> 16;
    // Encrypted packets carry this mark, too, from their arrival until they are decrypted, without an identity.
    let words = if value == DECRYPT && number == 0 { "decrypted, or to be decrypted" } else { words };
    let detail = match upper {
        Upper::Identity if number != 0 => identity(number),
        Upper::Endpoint if number != 0 => format!("endpoint {number}"),
        Upper::Node if number != 0 => format!("node {number}"),
        _ => String::new(),
    };
    let mask = if upper == Upper::Nothing { MAGIC } else { MAGIC | UPPER };
    let words: Vec<_> = [words, &detail].into_iter().filter(|words| !words.is_empty()).collect();
    if !words.is_empty() {
        reading.take(reading.mark & (value | mask), mask, &format!("Cilium: {}", words.join(", ")));
    }
}

/// Adds the cluster to the identity: with several clusters, the lowest bits are the identity's upper part. Bits that
/// another known owner explains are not used.
pub(super) fn cluster(reading: &mut Reading) {
    let cluster = reading.mark & CLUSTER;
    let number = reading.mark >> 16;
    let ours = magic(reading.mark).is_some_and(|(.., upper)| upper == Upper::Identity) && number != 0;
    let (short, long) = (identity(number), identity(cluster << 16 | number));
    if cluster == 0 || !ours || reading.free & CLUSTER != CLUSTER {
        return;
    }
    if let Some(words) = reading.words.iter_mut().find(|words| words.starts_with("Cilium: ") && words.ends_with(&short))
    {
        words.truncate(words.len() - short.len());
        words.push_str(&long);
        reading.free &= !CLUSTER;
    }
}

fn magic(mark: u32) -> Option<(u32, &'static str, Upper)> {
    MAGICS.iter().find(|(value, ..)| *value == mark & MAGIC).copied()
}

fn identity(number: u32) -> String {
    match RESERVED.iter().find(|(reserved, _)| *reserved == number) {
        Some((_, name)) => format!("identity {number} ({name})"),
        None => format!("identity {number}"),
    }
}
