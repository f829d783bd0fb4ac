use std::io;

use super::*;

#[test]
fn the_current_one_is_found_by_its_inode_number() {
    let current = Netns::current().expect("/proc is there");
    let found = Netns::find(current.inum()).expect("a process is in it: this one");
    assert_eq!(found.inum(), current.inum());
    assert!(!found.name().is_empty());
}

#[test]
fn work_runs_on_another_thread_and_sees_the_loopback_device() -> io::Result<()> {
    let current = Netns::current()?;
    let caller = std::thread::current().id();
    assert_ne!(current.run_in(|| std::thread::current().id())?, caller);
    assert_eq!(current.ifindex("lo")?, Some(1));
    assert_eq!(current.ifindex("no such device")?, None);
    Ok(())
}

#[test]
fn a_panic_inside_is_an_error_outside() {
    let current = Netns::current().expect("/proc is there");
    assert!(current.run_in(|| panic!("on purpose")).is_err());
}

#[test]
fn every_way_to_say_it() {
    let current = Netns::current().expect("/proc is there");
    let inum = current.inum().to_string();
    let pid = format!("pid:{}", std::process::id());
    for text in ["/proc/self/ns/net", &pid, &inum, current.name()] {
        assert_eq!(Netns::resolve(text).map(|netns| netns.inum()), Ok(current.inum()), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let error = |text| Netns::resolve(text).map(|netns| netns.inum()).expect_err(text);
    assert_eq!(error("/etc/passwd"), "netns `/etc/passwd`: /etc/passwd is not a network namespace");
    assert_eq!(error("/proc/self/ns/uts"), "netns `/proc/self/ns/uts`: /proc/self/ns/uts is not a network namespace");
    assert_eq!(error("/no/where"), "netns `/no/where`: /no/where does not exist");
    assert_eq!(error("pid:x"), "netns `pid:x`: give a process id after `pid:`, as in `pid:1234`");
    assert_eq!(error("pid:4194999"), "netns `pid:4194999`: there is no process 4194999");
    assert_eq!(error("7"), "no netns has inode number 7: `lsns -t net` lists all");
    for text in ["", "..", "no-such-name", "[x]"] {
        assert!(error(text).starts_with(&format!("no netns is called `{text}`")), "{text}");
    }
}
