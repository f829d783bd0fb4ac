//! The load: 64-byte datagrams from one network namespace to another, through ten rules and conntrack.

use std::{
    io::Write as _,
    net::UdpSocket,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use nix::{
    fcntl::{OFlag, open},
    sched::{CloneFlags, setns},
    sys::socket::{setsockopt, sockopt},
    sys::stat::Mode,
};

/// The port that datagrams go to.
pub const PORT: u16 = 4000;

/// Datagrams in a round. Their records fit into the smallest ring buffer that is tested.
const ROUND: usize = 200;
const ROUNDS: usize = 9;

/// Payload of a datagram. With headers, but without Ethernet's, that makes 64 bytes.
const PAYLOAD: [u8; 36] = [0; 36];

/// Two namespaces, with a socket in each.
pub struct Load {
    from: UdpSocket,
    to: UdpSocket,
}

impl Load {
    /// Sets up the namespaces.
    pub fn prepare() -> Result<Self> {
        script(SETUP)?;
        let from = socket_in("A", "10.0.0.1:0")?;
        let to = socket_in("B", &format!("10.0.0.2:{PORT}"))?;
        from.connect(("10.0.0.2", PORT)).context("connecting")?;
        // The buffer must hold all datagrams of the largest flood.
        setsockopt(&to, sockopt::RcvBufForce, &(256 << 20)).context("enlarging the receive buffer")?;
        to.set_nonblocking(true)?;
        let load = Self { from, to };
        // Warm up ARP, conntrack and caches.
        load.send(ROUND)?;
        Ok(load)
    }

    /// Returns the instructions of a packet: the median of some rounds. `play` runs each round.
    pub fn cost(&self, play: impl Fn(&dyn Fn() -> Result<u64>) -> Result<u64>) -> Result<u64> {
        let mut costs = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            costs.push(play(&|| self.send(ROUND))? / ROUND as u64);
        }
        costs.sort_unstable();
        Ok(costs[ROUNDS / 2])
    }

    /// Sends `count` datagrams back to back. Returns the nanoseconds that all took, which are instructions. Fails if
    /// not all arrive.
    pub fn send(&self, count: usize) -> Result<u64> {
        let begin = Instant::now();
        for _ in 0..count {
            self.from.send(&PAYLOAD).context("sending")?;
        }
        let took = begin.elapsed();
        let mut buffer = [0; PAYLOAD.len()];
        let mut came = 0;
        while self.to.recv(&mut buffer).is_ok() {
            came += 1;
        }
        ensure!(came == count, "{came} of {count} datagrams arrived");
        Ok(took.as_nanos().try_into()?)
    }
}

impl Load {
    /// Sends `count` datagrams back to back to a socket that is read at the same time, so that nothing waits there for
    /// long.
    pub fn flood(&self, count: usize) -> Result<()> {
        let sent = AtomicBool::new(false);
        let came = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut buffer, mut came) = ([0; PAYLOAD.len()], 0);
                loop {
                    let over = sent.load(Ordering::Acquire);
                    while self.to.recv(&mut buffer).is_ok() {
                        came += 1;
                    }
                    if over {
                        return came;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let result = (0..count).try_for_each(|_| self.from.send(&PAYLOAD).map(drop));
            sent.store(true, Ordering::Release);
            result.context("sending").and_then(|()| reader.join().map_err(|_| anyhow!("the reader failed")))
        })?;
        ensure!(came == count, "{came} of {count} datagrams arrived");
        Ok(())
    }
}

fn socket_in(netns: &str, addr: &str) -> Result<UdpSocket> {
    let make = || {
        let file = open(format!("/run/netns/{netns}").as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
            .with_context(|| format!("no network namespace `{netns}`"))?;
        setns(&file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering `{netns}`"))?;
        UdpSocket::bind(addr).with_context(|| format!("binding {addr}"))
    };
    // Use a separate thread, because it stays in the namespace. The socket stays there, too.
    thread::scope(|scope| scope.spawn(make).join()).unwrap_or_else(|_| bail!("the thread failed"))
}

fn script(text: &str) -> Result<()> {
    let mut bash = Command::new("bash").arg("-e").stdin(Stdio::piped()).spawn().context("starting bash")?;
    bash.stdin.take().context("no stdin")?.write_all(text.as_bytes())?;
    let status = bash.wait()?;
    ensure!(status.success(), "the set-up failed, {status}");
    Ok(())
}

const SETUP: &str = "
lab add-netns A B
ip link add veth0 netns A type veth peer name veth0 netns B
ip -n A -batch - <<EOT
address add 10.0.0.1/24 dev veth0
link set veth0 up
EOT
ip -n B -batch - <<EOT
address add 10.0.0.2/24 dev veth0
link set veth0 up
EOT
ip netns exec B nft -f - <<EOT
table inet bench {
    chain input {
        type filter hook input priority filter; policy accept;
        ct state invalid counter drop
        tcp dport 1 counter drop
        tcp dport 2 counter drop
        tcp dport 3 counter drop
        udp dport 4 counter drop
        udp dport 5 counter drop
        udp dport 6 counter drop
        ip saddr 192.0.2.1 counter drop
        ip saddr 192.0.2.2 counter drop
        udp dport 4000 counter accept
    }
}
EOT
";
