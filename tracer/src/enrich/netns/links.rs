//! Lists the interfaces of the calling thread's netns.

use std::io;

/// Returns all interfaces as (ifindex, name). A dump is used because asking for one name (`SIOCGIFINDEX`) makes the
/// kernel load a module of that name if no such interface exists (`dev_load`, net/core/dev_ioctl.c).
pub(in super::super) fn list() -> io::Result<Vec<(u32, String)>> {
    let all = nix::net::if_::if_nameindex()?;
    Ok(all.iter().map(|one| (one.index(), one.name().to_string_lossy().into_owned())).collect())
}
