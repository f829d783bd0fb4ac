use super::*;

const ID: &str = "3f4e5d6c7b8a90123f4e5d6c7b8a90123f4e5d6c7b8a90123f4e5d6c7b8a9012";
const OTHER: &str = "00112233445566770011223344556677001122334455667700112233445566aa";

fn found(cgroups: &str) -> Option<(bool, String)> {
    in_cgroups(&cgroups.replace("ID", ID).replace("OTHER", OTHER)).map(|container| (container.pod, container.id))
}

#[test]
fn runtimes_outside_of_kubernetes() {
    for path in [
        "0::/system.slice/docker-ID.scope",
        "0::/docker/ID",
        "0::/docker/ID/init.scope",
        "0::/default/ID",
        "0::/system.slice/nerdctl-ID.scope",
        "0::/machine.slice/libpod-ID.scope/container",
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
        "0::/../docker-ID.scope",
        "12:memory:/docker/ID\n11:cpu,cpuacct:/docker/ID\n0::/",
    ] {
        assert_eq!(found(path), Some((false, "3f4e5d6c7b8a".to_owned())), "{path}");
    }
}

#[test]
fn runtimes_of_kubernetes() {
    let uid = "0f1e2d3c_1111_2222_3333_444455556666";
    for path in [
        format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/cri-containerd-ID.scope"
        ),
        format!("0::/kubepods.slice/kubepods-pod{uid}.slice/crio-ID.scope"),
        format!("0::/kubepods.slice/kubepods-pod{uid}.slice/crio-ID.scope/container"),
        format!("0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{uid}.slice:cri-containerd:ID"),
        "0::/kubepods/burstable/pod0f1e2d3c-1111-2222-3333-444455556666/ID".to_owned(),
        "11:pids:/kubepods/besteffort/pod0f1e2d3c-1111-2222-3333-444455556666/ID\n0::/".to_owned(),
        // A node that is a container itself.
        format!(
            "0::/docker/OTHER/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{uid}.slice/cri-containerd-ID.scope"
        ),
    ] {
        assert_eq!(found(&path), Some((true, "3f4e5d6c7b8a".to_owned())), "{path}");
    }
}

#[test]
fn containers_with_names() {
    for (path, name) in [
        ("0::/lxc.payload.web/init.scope", "web"),
        ("0::/machine.slice/machine-web\\x2d1.scope", "web-1"),
        ("0::/machine.slice/systemd-nspawn@web.service/payload", "web"),
    ] {
        assert_eq!(found(path), Some((false, name.to_owned())), "{path}");
    }
}

#[test]
fn what_is_no_container() {
    for path in [
        "",
        "0::/",
        "0::/init.scope",
        "0::/system.slice/sshd.service",
        "0::/user.slice/user-1000.slice/session-2.scope",
        "0::/kubepods/burstable",
        "0::/podruntime/kubelet",
        "0::/kubepods.slice/kubepods-pod1.slice/crio-conmon-ID.scope",
        "0::/docker/3f4e5d6c7b8a",
        "0::/lxc.payload.we b",
        "garbage",
    ] {
        assert_eq!(found(path), None, "{path}");
    }
}

#[test]
fn names_and_back() {
    let named = |pod, hostname: Option<&str>| {
        let hostname = hostname.map(str::to_owned);
        Container { pod, id: "3f4e5d6c7b8a".to_owned(), hostname }.name("nginx[1234]")
    };
    let all = [
        named(true, Some("web-7f9c")),
        named(true, None),
        named(false, Some("db")),
        named(false, Some("3f4e5d6c7b8a")),
    ];
    assert_eq!(
        all,
        [
            "pod web-7f9c (nginx[1234])",
            "pod of container 3f4e5d6c7b8a (nginx[1234])",
            "container db 3f4e5d6c7b8a (nginx[1234])",
            "container 3f4e5d6c7b8a (nginx[1234])",
        ]
    );
    for name in all {
        assert_eq!(process_in(&name), Some("nginx[1234]"), "{name}");
    }
    for other in ["nginx[1234]", "pod", "pod x", "x (nginx[1])", "pod x (nginx[1]"] {
        assert_eq!(process_in(other), None, "{other}");
    }
}
