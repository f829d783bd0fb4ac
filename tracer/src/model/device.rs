//! Devices that packets passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network device, as it was when a packet first passed it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Device {
    /// Inode number of its netns.
    pub netns: u32,
    /// ifindex.
    pub ifindex: u32,
    /// Name.
    pub ifname: String,
    /// `rtnl_link_ops.kind`: `wireguard`, `vxlan`, `veth`, …; empty for hardware and `lo`.
    pub kind: String,
    /// MTU in bytes.
    pub mtu: u32,
    /// WireGuard: the allowed IPs of each peer, read when the device refused a packet because of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_ips: Option<Vec<AllowedIps>>,
}

/// The addresses that a WireGuard peer may send from and is sent packets for.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct AllowedIps {
    /// The peer's public key in base64.
    pub public_key: String,
    /// `address:port` of its endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Prefixes, e.g. `10.0.0.0/24`.
    pub prefixes: Vec<String>,
}
