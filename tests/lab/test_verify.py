"""What verification finds on real nodes: shims that were lost, room that lacks, a kubelet that is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks.errors import StepFailed
from tests.lab import containers
from tests.lab.driven import Transaction
from tests.lab.nodes import CONFIG, LabNode, canary

Fresh = Callable[..., list[LabNode]]
GENERATIONS = pytest.mark.parametrize("name", ["worker-1", "worker-2", "worker-4"], ids=["1.6", "1.7", "2"])
UNIT = "/etc/systemd/system/containerd.service.d"
FLEET = "/var/lib/containerd-fleet"


def drop_in(node: LabNode, text: str, reload: str = "systemctl daemon-reload") -> None:
    node.write(f"{UNIT}/50-test.conf", f"[Service]\n{text}\n")
    node.sh(reload)


def at_restart(node: LabNode, command: str) -> None:
    """Do something once containerd is down and before it is up again."""
    node.write("/etc/at-restart", command)
    drop_in(node, "ExecStartPre=/bin/sh /etc/at-restart")


@GENERATIONS
def test_containers_live_on_and_none_is_lost(fresh: Fresh, name: str) -> None:
    [node] = fresh(name)
    running = [containers.start(node, "pod"), containers.start(node, "other", namespace="moby")]
    transaction = Transaction(name).swapped()
    pid = node.pid
    transaction.restart()
    assert transaction.verify().lost == ()
    assert node.pid != pid
    assert all(container.runs for container in running)
    assert transaction.rollback().changed
    assert transaction.check().lost == ()
    assert all(container.runs for container in running)


def test_one_that_died_and_was_started_again_by_systemd_is_not_well(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    drop_in(node, "RestartSec=100ms\nRestart=always")
    transaction = Transaction("worker-2").swapped()
    transaction.restart()
    transaction.verify()
    node.sh(f"kill -9 {node.pid}; sleep 1")
    with pytest.raises(StepFailed, match="it died, or somebody restarted it"):
        transaction.verify()
    assert transaction.rollback().changed
    assert transaction.check().cri.state == "ok"


@pytest.mark.parametrize(("name", "signal"), [("worker-1", "KILL"), ("worker-2", "TERM"), ("worker-4", "KILL")])
def test_a_shim_that_is_killed_while_containerd_is_away_is_lost(fresh: Fresh, name: str, signal: str) -> None:
    """KILL is what an OOM kill is too; TERM is what KillMode=control-group sends."""
    [node] = fresh(name)
    lives, dies = containers.start(node, "lives"), containers.start(node, "dies", namespace="moby")
    at_restart(node, f"kill -{signal} {dies.shim}\nsleep 0.3\n")
    transaction = Transaction(name).swapped()
    transaction.restart()
    verified = transaction.verify()
    assert (verified.cri.state, verified.lost) == ("ok", ("moby/dies",))
    assert (lives.runs, dies.runs) == (True, False)
    assert transaction.verify().lost == ("moby/dies",)


@pytest.mark.parametrize("name", ["worker-1", "worker-4"], ids=["1.6", "2"])
def test_jobs_that_end_by_themselves_are_not_lost(fresh: Fresh, name: str) -> None:
    """One ends while containerd is away; one before, and one after, are deleted as kubelet deletes them."""
    [node] = fresh(name)
    away, before, after = (containers.start(node, each) for each in ("away", "before", "after"))
    stays = containers.start(node, "stays")
    at_restart(node, f"kill -KILL {away.pid}\nsleep 0.3\n")
    transaction = Transaction(name).swapped()
    # The shims are recorded at once; this one is deleted by the containerd that is about to end.
    node.write("/etc/stop", "ctr -n k8s.io tasks rm -f before; ctr -n k8s.io containers rm before\n")
    node.write(f"{UNIT}/60-stop.conf", "[Service]\nExecStop=/bin/sh /etc/stop\n")
    node.sh("systemctl daemon-reload")
    transaction.restart()
    node.sh("ctr -n k8s.io tasks rm -f after && ctr -n k8s.io containers rm after")
    assert transaction.verify().lost == ()
    assert [container.runs for container in (away, before, after, stays)] == [False, False, False, True]


def test_the_state_directory_that_the_configuration_names_is_looked_into(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.write(CONFIG, f'state = "/run/other"\n{node.config}')
    node.restart()
    dies = containers.start(node, "dies")
    at_restart(node, f"kill -KILL {dies.shim}\n")
    transaction = Transaction("worker-2").swapped()
    transaction.restart()
    assert transaction.verify().lost == ("k8s.io/dies",)


def kill_mode(node: LabNode) -> None:
    drop_in(node, "KillMode=control-group")


def no_inotify(node: LabNode) -> None:
    limit = "/proc/sys/fs/inotify/max_user_instances"
    node.sh(f"echo 12 >/etc/limit && mount --bind /etc/limit {limit}")


def tmpfs_over(directory: str, options: str, filler: str) -> Callable[[LabNode], None]:
    def fault(node: LabNode) -> None:
        mount = f"mkdir -p {directory} && cp -a {directory} /tmp/there && mount -t tmpfs -o {options} tmpfs {directory}"
        node.sh(f"{mount} && cp -a /tmp/there/. {directory}/ && cd {directory} && ({filler} || true) 2>/dev/null")

    return fault


FILL = "dd if=/dev/zero of=filler bs=4k"
NO_BLOCKS = "size=1m,mode=755", FILL
NO_INODES = "size=64m,nr_inodes=60,mode=755", "for n in $(seq 99); do touch f$n || break; done"


def full(directory: str, kind: tuple[str, str], *, restart: bool = False) -> Callable[[LabNode], None]:
    def fault(node: LabNode) -> None:
        if restart:  # on directories of their own, which may be mounted over
            node.write(CONFIG, f'root = "/srv/root"\nstate = "/srv/state"\n{node.config}')
            node.sh("mkdir -p /srv/root /srv/state && mount -t tmpfs -o size=64m tmpfs /srv/root")
            node.sh("mount -t tmpfs -o size=16m tmpfs /srv/state")
            node.restart()
            node.sh(f"cd {directory} && ({FILL} || true) 2>/dev/null")
        else:
            tmpfs_over(directory, *kind)(node)

    return fault


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(
            kill_mode, ["KillMode of containerd.service is control-group", "KillMode=process"], id="kill_mode"
        ),
        pytest.param(no_inotify, ["of 12 inotify instances", "fs.inotify.max_user_instances"], id="inotify"),
        pytest.param(full(FLEET, NO_BLOCKS), [f"on {FLEET}, which has 0 KiB free"], id="fleet_blocks"),
        pytest.param(full(FLEET, NO_INODES), [f"on {FLEET}, which has 0 inodes free"], id="fleet_inodes"),
        pytest.param(full("/etc/containerd", NO_BLOCKS), ["on /etc/containerd, which has 0 KiB free"], id="etc_blocks"),
        pytest.param(full("/etc/containerd", NO_INODES), ["on /etc/containerd, which has 0 inodes"], id="etc_inodes"),
        pytest.param(full("/srv/root", NO_BLOCKS, restart=True), ["on /srv/root, which has 0 KiB free"], id="root"),
        pytest.param(full("/srv/state", NO_BLOCKS, restart=True), ["on /srv/state, which has 0 KiB free"], id="state"),
    ],
)
def test_a_node_without_what_a_change_needs_is_refused_before_it(
    fresh: Fresh, fault: Callable[[LabNode], None], says: list[str]
) -> None:
    [node] = fresh("worker-4")
    fault(node)
    before, pid = node.snapshot(), node.pid
    ran = canary("worker-4")
    assert (ran.exit, ran.outcomes) == (1, {"worker-4": "failed"})
    for words in says:
        assert words in ran.reason("worker-4")
    assert (node.snapshot(), node.pid) == (before, pid)
    node.sh("! ls /var/lib/containerd-fleet/*/state")


def kubelet(node: LabNode, service: str = "") -> None:
    """A stand-in: a unit of that name."""
    unit = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 100000\n{service}\n"
    node.write("/etc/systemd/system/kubelet.service", unit)
    node.sh("systemctl daemon-reload && systemctl start kubelet")


def test_a_kubelet_that_ended_with_the_restart_fails_the_verification(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    kubelet(node)
    at_restart(node, "systemctl kill kubelet || true")
    transaction = Transaction("worker-4", verify_within=4).swapped()
    transaction.restart()
    with pytest.raises(StepFailed, match=r"kubelet ran before and does not now \((inactive|failed)\)"):
        transaction.verify()
    transaction.rollback()
    with pytest.raises(StepFailed, match="kubelet ran before"):
        transaction.check(within=4)
    node.sh("rm /etc/at-restart && touch /etc/at-restart && systemctl start kubelet")
    assert transaction.check().cri.state == "ok"


def test_a_kubelet_that_systemd_starts_again_is_waited_for(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    kubelet(node, "Restart=always\nRestartSec=2")
    at_restart(node, "systemctl kill kubelet || true")
    transaction = Transaction("worker-2").swapped()
    transaction.restart()
    assert node.sh("systemctl is-active kubelet || true").strip() == "activating"
    transaction.verify()
    assert node.sh("systemctl is-active kubelet").strip() == "active"


def test_a_kubelet_that_never_comes_up_is_not_taken_for_one_that_runs(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    kubelet(node, "Restart=always\nRestartSec=60")
    at_restart(node, "systemctl kill kubelet || true")
    transaction = Transaction("worker-2", verify_within=4).swapped()
    transaction.restart()
    with pytest.raises(StepFailed, match=r"kubelet ran before and does not now \(activating\)"):
        transaction.verify()


READY = """{"status": {"conditions": [
  {"type": "RuntimeReady", "status": true, "reason": "", "message": ""},
  {"type": "NetworkReady", "status": false, "reason": "NetworkPluginNotReady", "message": "cni plugin not initialized"}
]}}"""
NOT_READY = READY.replace('"status": true, "reason": ""', '"status": false, "reason": "Stopping"')
UNIMPLEMENTED = (
    'validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/containerd/containerd.sock": '
    "rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService"
)


def crictl(node: LabNode, answer: str, *, fails: bool = False) -> None:
    """A stand-in that gives answers which a real one gave: this tests the seam, for Debian has no package of it."""
    node.write("/etc/crictl-says", answer)
    script = (
        '#!/bin/sh\n[ "$*$CONTAINER_RUNTIME_ENDPOINT" = infounix:///run/containerd/containerd.sock ] || exit 9\n'
        "echo 'level=warning msg=\"Config /etc/crictl.yaml does not exist\"' >&2\n"
        + ("cat /etc/crictl-says >&2; exit 1\n" if fails else "cat /etc/crictl-says\n")
    )
    node.write("/usr/local/bin/crictl", script)
    node.sh("chmod 755 /usr/local/bin/crictl")


def test_crictl_has_its_say_where_it_had_one_before(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    crictl(node, READY)
    transaction = Transaction("worker-2", verify_within=4).swapped()
    transaction.restart()
    assert transaction.verify().cri.state == "ok"
    crictl(node, NOT_READY)
    with pytest.raises(StepFailed, match="crictl info says: RuntimeReady is false: Stopping"):
        transaction.verify()
    crictl(node, UNIMPLEMENTED, fails=True)
    with pytest.raises(StepFailed, match=r"crictl info says: validate service connection: .* unknown service"):
        transaction.verify()
    transaction.rollback()
    with pytest.raises(StepFailed, match="crictl info says"):
        transaction.check(within=4)
    crictl(node, READY)
    assert transaction.check().cri.state == "ok"


def test_a_crictl_that_could_not_ask_before_is_not_asked(fresh: Fresh) -> None:
    """One that is too old for this containerd says Unimplemented of a node that is well."""
    [node] = fresh("worker-4")
    crictl(node, UNIMPLEMENTED, fails=True)
    assert canary("worker-4").outcomes == {"worker-4": "migrated"}


def test_a_rolled_back_node_is_compared_by_content_owner_and_mode(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    node.sh(f"chmod 640 {CONFIG}")
    transaction = Transaction("worker-4").swapped()
    with pytest.raises(StepFailed, match=r"hosts\.toml is not as it was before the run"):
        transaction.check()
    transaction.restart()
    transaction.verify()
    transaction.rollback()
    assert transaction.check().cri.state == "ok"
    node.sh(f"chmod 644 {CONFIG}")
    with pytest.raises(StepFailed, match=r"config\.toml \(owner or mode\) is not as it was before the run"):
        transaction.check()
    node.sh(f"chmod 640 {CONFIG} && echo >>{CONFIG}")
    with pytest.raises(StepFailed, match=r"config\.toml is not as it was before the run"):
        transaction.check()
    assert node.read(f"{FLEET}/{transaction.run.id}/state") == "rolled_back\n"


def test_a_verification_ends_within_its_time_whatever_hangs(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    transaction = Transaction("worker-4", verify_within=5).swapped()
    transaction.restart()
    node.sh("kill -STOP $(systemctl show containerd -p MainPID --value)")
    # CommandTimeout, had it to be ended from outside.
    with pytest.raises(StepFailed, match="CRI is absent"):
        transaction.verify()
    node.sh("kill -CONT $(systemctl show containerd -p MainPID --value)")
    assert transaction.verify().cri.state == "ok"


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("ExecStartPre=/bin/sleep 100", "containerd did not start within 3 s: see journalctl -u containerd.service"),
        ("ExecStart=\nExecStart=/bin/sleep 100", "containerd did not start within 3 s"),
        ("ExecStart=\nExecStart=/usr/bin/containerd -c /etc/none.toml", "does not start (exit-code): containerd: "),
        ("ExecStartPre=/bin/false", "containerd does not start (exit-code): see journalctl"),
        (
            "ExecStartPre=/bin/false\nRestartSec=1ms\n[Unit]\nStartLimitBurst=1",
            "containerd was started too often, and systemd gave up on it: see journalctl",
        ),
    ],
    ids=["hangs before", "hangs", "exits", "no word", "start limit"],
)
def test_a_restart_that_fails_says_why(fresh: Fresh, service: str, says: str) -> None:
    [node] = fresh("worker-2")
    transaction = Transaction("worker-2", restart_within=3).swapped()
    drop_in(node, service)
    with pytest.raises(StepFailed) as raised:
        transaction.restart()
    assert says in str(raised.value)
    node.sh(f"rm {UNIT}/50-test.conf && systemctl daemon-reload")
    transaction.rollback()
    assert transaction.check().cri.state == "ok"
