//! Checks the privileges of this process before anything else, so that the answer is one sentence.

use std::fs;

/// `include/uapi/linux/capability.h`
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Checks that this process may trace the kernel.
///
/// # Errors
/// Names the missing privileges and how to get them.
pub fn check() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc is not readable: {error}"))?;
    let effective = effective(&status);
    let has = |capability: u32| effective & (1 << capability) != 0;
    if has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON) && has(CAP_NET_ADMIN)) {
        return Ok(());
    }
    Err("not permitted to trace the kernel: run as root (`sudo tracer …`), in a pod with `securityContext.privileged: \
         true`, or with the capabilities CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN"
        .to_owned())
}

fn effective(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::effective;

    #[test]
    fn the_effective_set_is_read() {
        assert_eq!(effective("Name:\ttracer\nCapEff:\t0000000000200000\nCapBnd:\tff\n"), 1 << 21);
        assert_eq!(effective("Name:\ttracer\n"), 0);
    }
}
