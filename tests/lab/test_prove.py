"""The proof on real nodes: what it refuses, and that nothing of it is seen by what runs there or stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import ndiff
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.state import GlobalState
from nornir.core.task import Result
from nornir.plugins.runners import SerialRunner

from containerd.decide import NodePlan
from containerd.decide.plan import PlannedFile
from containerd.probe import Proof, Verdict
from fleet.errors import ConnectionLost, Interrupted
from fleet.inventory import Fleet, load
from fleet.results import cause
from fleet.settings import TransactionSettings
from fleet.stop import Stop
from tasks.errors import StepFailed
from tasks.plan import plan
from tasks.prove import probe, prove
from tasks.run import Run
from tasks.stage import stage
from tests.lab.containers import start
from tests.lab.nodes import CONFIG, Inventory, LabNode

Fresh = Callable[..., list[LabNode]]
NODES = ("worker-1", "worker-2", "worker-4")
UNITS = "containerd-fleet-*"
CONFLICT = "`mirrors` cannot be set when `config_path` is provided"


@dataclass(frozen=True)
class Proving:
    """Nornir over one node, and what a rollout would do there."""

    nornir: Nornir
    fleet: Fleet
    node: LabNode
    run: Run

    def do(self, task: Callable[..., Result], **arguments: Any) -> Any:
        """Run a task, raise what made it fail, and return what it holds."""
        done = self.nornir.run(task=task, raise_on_error=False, **arguments)[self.node.name]
        self.nornir.data.reset_failed_hosts()
        if done.failed:
            error = cause(done)
            assert error is not None
            raise error
        return done[0].result

    @property
    def host(self) -> Host:
        return self.nornir.inventory.hosts[self.node.name]

    def plan(self) -> NodePlan:
        filed = self.fleet.nodes[self.node.name].generation
        made: NodePlan = self.do(plan, filed=filed, policy=self.fleet.policy(self.node.name))
        return made

    def staged(self, text: Callable[[str], str] = str, made: NodePlan | None = None) -> NodePlan:
        """Stage what is planned, with config.toml changed further by ``text``."""
        made = made or self.plan()
        path = made.facts.config_file
        after = text(made.decision.files.get(path, made.facts.text(path) or ""))
        files = (
            *(file for file in made.files if file.path != path),
            PlannedFile("config", made.facts.real_path(path), made.facts.text(path), after),
        )
        made = replace(made, files=files, decision=replace(made.decision, files={**made.decision.files, path: after}))
        self.do(stage, plan=made, run=self.run)
        return made

    def prove(self, made: NodePlan, **arguments: Any) -> Proof:
        proof: Proof = self.do(prove, plan=made, run=self.run, **arguments)
        return proof


@pytest.fixture
def proving(fresh: Fresh, inventory: Inventory) -> Iterator[Callable[[str], Proving]]:
    inventory.replace("groups.yaml", "strategy: skip", "strategy: config_path")
    fleet = load(inventory.directory)
    opened: list[Nornir] = []

    def of(name: str) -> Proving:
        [node] = fresh(name)
        nornir = Nornir(inventory=fleet.inventory, config=Config(), data=GlobalState(), runner=SerialRunner())
        opened.append(nornir.filter(filter_func=lambda host: host.name == name))
        return Proving(opened[-1], fleet, node, Run.begin(TransactionSettings(), Stop()))

    yield of
    for nornir in opened:
        nornir.close_connections(on_failed=True)


@contextmanager
def untouched(node: LabNode) -> Iterator[None]:
    """See to it that what runs on the node is as before, and that nothing is there that was not."""
    before = seen(node)
    yield
    assert [line for line in ndiff(before, seen(node)) if line[0] in "+-"] == []


def seen(node: LabNode) -> list[str]:
    """The live daemon with its sockets, state and ports, and what a proof could leave."""
    daemon = (
        "systemctl show containerd -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic",
        "find /run/containerd /run/nri /data -type s -printf '%p %i\\n' 2>/dev/null | sort",
        "find /var/lib/containerd -maxdepth 1 -printf '%p %i %T@\\n' | sort",
        "grep -h ': 0*[0-9A-F]*:[0-9A-F]* 0*:0000 0A' /proc/net/tcp /proc/net/tcp6 | tr -s ' ' | cut -d' ' -f3,4,11",
        "cat /proc/net/route /proc/net/dev | cut -d: -f1",
    )
    left = (
        f"systemctl list-units --all --plain --no-legend '{UNITS}'",
        f"ls -d /run/systemd/transient/{UNITS} 2>/dev/null",
        "cut -d' ' -f3- /proc/self/mountinfo",
        "cut -d' ' -f3- /proc/1/mountinfo",
        "for dir in /tmp /var/tmp /run /etc /opt /data; do find $dir -xdev 2>/dev/null; done | grep -v /run/systemd/",
        "cat /proc/[0-9]*/comm | grep -v -x -e 'sshd.*' -e sh -e cat -e grep -e sort -e find -e cut -e tr -e ls | sort",
    )
    return node.sh("; ".join((*daemon, *left))).splitlines()


@pytest.mark.parametrize("name", NODES)
def test_what_loads_passes_and_nothing_is_touched(proving: Callable[[str], Proving], name: str) -> None:
    it = proving(name)
    container = start(it.node)
    made = it.staged()
    answers: list[str] = []
    with untouched(it.node), watching(it.node, answers):
        assert it.prove(made) == Proof(Verdict.PASSED, "")
    assert answers
    assert set(answers) == {"ok"}
    assert container.runs
    assert it.node.config == made.facts.text(CONFIG)


@contextmanager
def watching(node: LabNode, answers: list[str]) -> Iterator[None]:
    """Ask the live daemon again and again."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(node.cri)

    thread = threading.Thread(target=ask)
    thread.start()
    yield
    done.set()
    thread.join()


def mirrors_left(text: str) -> str:
    table = "io.containerd.cri.v1.images" if "version = 3" in text else "io.containerd.grpc.v1.cri"
    return f'{text}\n[plugins."{table}".registry.mirrors."*"]\nendpoint = ["http://198.18.20.10:5000"]\n'


def not_toml(text: str) -> str:
    return f"{text}\n[plugins\n"


def required(text: str) -> str:
    return f'required_plugins = ["io.containerd.grpc.v1.cri"]\n{mirrors_left(text)}'


def disabled(text: str) -> str:
    return f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n{text}'


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (mirrors_left, CONFLICT),
        (not_toml, "toml"),
        (required, "load required plugin io.containerd.grpc.v1.cri: "),
        (disabled, "io.containerd.grpc.v1 cri: absent"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("name", NODES)
def test_what_does_not_load_is_refused_in_containerds_words(
    proving: Callable[[str], Proving], name: str, fault: Callable[[str], str], says: str
) -> None:
    it = proving(name)
    made = it.staged(fault)
    with (
        untouched(it.node),
        pytest.raises(StepFailed, match=r"^the candidate does not load: .*; the node was not touched$") as raised,
    ):
        it.prove(made)
    assert says.lower() in str(raised.value).lower()


def wrong_type(text: str) -> str:
    return f"oom_score = 'x'\n{text}"


@pytest.mark.parametrize("name", NODES)
def test_both_failing_alike_is_inconclusive(proving: Callable[[str], Proving], name: str) -> None:
    it = proving(name)
    made = it.staged(wrong_type)
    it.node.write(CONFIG, wrong_type(it.node.config))
    with pytest.raises(StepFailed, match=r"^the proof is inconclusive \(the live files fail alike: .*--without-proof"):
        it.prove(made)
    assert it.prove(made, accept_inconclusive=True).verdict is Verdict.INCONCLUSIVE


def default_route(node: LabNode) -> None:
    node.sh("ip route add default via 198.18.20.1")


def stream_on_default(node: LabNode) -> None:
    default_route(node)
    plugin = '[plugins."io.containerd.grpc.v1.cri"]'
    node.write(CONFIG, node.config.replace(plugin, f'{plugin}\n    stream_server_address = ""', 1))


def metrics_on_own_address(node: LabNode) -> None:
    address = node.sh("ip -o -4 addr show scope global | tr -s ' ' | cut -d' ' -f4 | cut -d/ -f1").strip()
    node.write(CONFIG, node.config.replace("127.0.0.1:1338", f"{address}:1338"))


def other_directories(node: LabNode) -> None:
    """Everything elsewhere: through a link, nested, with a socket of its own."""
    node.sh("mkdir -p /data/containerd '/data/a b/state' && ln -s /data/containerd /srv/containerd")
    head = "root = '/srv/containerd/'\nstate = '/data/a b/state'\ntemp = '/srv/temp'\n"
    tables = "\n[grpc]\naddress = '/data/sockets/c.sock'\n[ttrpc]\naddress = '/data/sockets/t.sock'\n"
    node.write(CONFIG, f"{head}{node.config}{tables}")


def all_in_one_place(node: LabNode) -> None:
    """The program, its configuration and its state below one directory, which is a link in /run."""
    node.sh("mkdir -p /data/bin /data/etc && ln -s /data /run/all && cp /usr/bin/containerd /usr/bin/ctr /data/bin")
    node.write("/data/etc/config.toml", f"root = '/run/all'\n{node.config}")
    start_command = "ExecStart=\nExecStart=/data/bin/containerd --config /run/all/etc/config.toml\n"
    node.write("/etc/systemd/system/containerd.service.d/10-all.conf", f"[Service]\n{start_command}")
    node.sh("systemctl daemon-reload")


def read_only_root(node: LabNode) -> None:
    """As where /etc and /var are mounts of their own; the journal has a file open for writing."""
    journal = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"
    bind = "for dir in /etc /var; do mount --rbind $dir $dir; done"
    node.sh(f"{bind}; systemctl stop {journal}; mount -o remount,bind,ro / && systemctl start {journal}")
    node.sh("! touch /opt/file 2>/dev/null")


def no_exec_tmp(node: LabNode) -> None:
    node.sh("mount -t tmpfs -o noexec,size=0 tmpfs /tmp && mount -o remount,bind,ro /tmp")


def without_ip(node: LabNode) -> None:
    node.sh("mv $(command -v ip) /root/ip")


@pytest.mark.parametrize(
    "setting",
    [stream_on_default, metrics_on_own_address, other_directories, all_in_one_place],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("name", NODES)
def test_a_node_of_its_own_kind(
    proving: Callable[[str], Proving], name: str, setting: Callable[[LabNode], None]
) -> None:
    it = proving(name)
    setting(it.node)
    it.node.sh("systemctl restart containerd")
    made = it.staged()
    with untouched(it.node):
        assert it.prove(made) == Proof(Verdict.PASSED, "")


@pytest.mark.parametrize("trait", [read_only_root, no_exec_tmp, without_ip])
@pytest.mark.parametrize("name", NODES)
def test_a_node_that_lacks_something(
    proving: Callable[[str], Proving], name: str, trait: Callable[[LabNode], None]
) -> None:
    it = proving(name)
    made = it.staged()
    trait(it.node)
    assert it.prove(made) == Proof(Verdict.PASSED, "")


@pytest.mark.parametrize("name", NODES)
def test_a_file_that_is_not_there_yet_is_loaded_and_not_made(proving: Callable[[str], Proving], name: str) -> None:
    it = proving(name)
    drop_in = PlannedFile("config", "/etc/containerd/conf.d/more/10.toml", None, "version = 2\noom_score = 'x'\n")
    planned = it.plan()
    made = it.staged(
        lambda text: f"imports = ['{drop_in.path}']\n{text}", replace(planned, files=(*planned.files, drop_in))
    )
    with untouched(it.node), pytest.raises(StepFailed, match=r"does not load: .*string"):
        it.prove(made)


def proxy(text: str) -> str:
    """A snapshotter behind a socket: from an empty database, containerd's garbage collector would empty it."""
    return f'{text}\n[proxy_plugins.kept]\ntype = "snapshot"\naddress = "/data/proxy/snapshots.sock"\n'


@pytest.mark.parametrize("name", NODES)
def test_no_live_socket_is_reached(proving: Callable[[str], Proving], name: str) -> None:
    it = proving(name)
    it.node.sh("mkdir -p /data/proxy")
    it.node.write("/etc/systemd/system/proxy.socket", "[Socket]\nListenStream=/data/proxy/snapshots.sock\n")
    it.node.write("/etc/systemd/system/proxy.service", "[Service]\nExecStart=/bin/sleep 1234\n")
    it.node.sh("systemctl daemon-reload && systemctl start proxy.socket")
    made = it.staged(proxy)
    with untouched(it.node):
        assert it.prove(made, accept_inconclusive=True) == Proof(Verdict.PASSED, "")
    assert it.node.sh("systemctl is-active proxy.socket proxy.service || true").split() == ["active", "inactive"]


def hang(node: LabNode) -> None:
    """Make the program on disk one that starts another and waits for it, but not what runs already."""
    node.sh("mv /usr/bin/containerd /usr/bin/containerd.real")
    node.write(
        "/usr/bin/containerd", "#!/bin/sh\ntrap '' TERM\nsetsid sh -c \"trap '' TERM; sleep 1234\" &\nsleep 1234\n"
    )
    node.sh("chmod 755 /usr/bin/containerd")


def sleepers(node: LabNode) -> list[str]:
    return node.sh("pgrep -f '[s]leep 1234' || true").split()


@pytest.mark.parametrize("name", ["worker-1", "worker-4"])
def test_a_daemon_that_hangs_is_killed_with_all_that_it_started(proving: Callable[[str], Proving], name: str) -> None:
    it = proving(name)
    made = it.staged()
    hang(it.node)
    with (
        untouched(it.node),
        pytest.raises(StepFailed, match=r"live files fail alike: containerd did not answer within 2 s"),
    ):
        it.prove(made, within=2)
    assert not sleepers(it.node)


def test_a_connection_that_is_cut_leaves_nothing(
    proving: Callable[[str], Proving], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = proving("worker-2")
    monkeypatch.setattr("tasks.prove.SETUP_SECONDS", 1)
    made = it.staged()
    hang(it.node)
    cut = threading.Timer(1, it.node.sh, ["pkill -KILL -f '[s]shd.*root@notty'"])
    with untouched(it.node):
        cut.start()
        with pytest.raises(ConnectionLost):
            it.prove(made, within=3)
        assert sleepers(it.node)
        deadline = time.monotonic() + 8
        while sleepers(it.node):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(0.2)
    assert it.node.cri == "ok"


def test_who_stops_urgently_does_not_wait(proving: Callable[[str], Proving]) -> None:
    it = proving("worker-2")
    made = it.staged()
    it.run.stop.ask()
    it.run.stop.ask()
    with untouched(it.node):
        with pytest.raises(Interrupted):
            it.prove(made)
        time.sleep(2)


def test_a_dry_run_and_a_change_without_restart_prove_nothing(proving: Callable[[str], Proving]) -> None:
    it = proving("worker-2")
    made = it.plan()
    no_systemd_run(it.node)
    assert it.prove(replace(made, restart=False)) == Proof(Verdict.PASSED, "")
    it.nornir.data.dry_run = True
    assert it.prove(made) == Proof(Verdict.PASSED, "")


def old_systemd(node: LabNode) -> None:
    node.write("/usr/local/bin/systemctl", "#!/bin/sh\necho 'systemd 219'\n")
    node.sh("chmod 755 /usr/local/bin/systemctl")


def no_systemd_run(node: LabNode) -> None:
    node.sh("mv /usr/bin/systemd-run /root")


def no_bus(node: LabNode) -> None:
    node.sh("systemctl stop dbus.socket dbus.service; rm -f /run/dbus/system_bus_socket")


def no_namespaces(node: LabNode) -> None:
    """As in a container that may make none: systemd goes on without, and says so in its debug log only."""
    settings = ("PrivateNetwork=no", "PrivateMounts=no", "MountFlags=", "ProtectSystem=no", "ProtectHome=no")
    unit_setting(node, "\n".join((*settings, "ProtectControlGroups=no")))


def no_privileges(node: LabNode) -> None:
    unit_setting(node, "CapabilityBoundingSet=~CAP_SYS_ADMIN")


def unit_setting(node: LabNode, lines: str) -> None:
    node.write("/etc/systemd/system/containerd-fleet-.service.d/10-test.conf", f"[Service]\n{lines}\n")
    node.sh("systemctl daemon-reload")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (old_systemd, "systemd 219 is too old"),
        (no_systemd_run, "systemd-run is not installed"),
        (no_bus, "bus"),
        (no_namespaces, "systemd makes no namespaces here"),
        (no_privileges, "root may not mount anything here"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_node_that_cannot_prove_says_why(
    proving: Callable[[str], Proving], fault: Callable[[LabNode], None], says: str
) -> None:
    it = proving("worker-2")
    assert probe(it.host) == ""
    made = it.staged()
    fault(it.node)
    with untouched(it.node):
        assert says in probe(it.host)
        with pytest.raises(StepFailed, match=r"the proof is inconclusive \(the sandbox could not be made"):
            it.prove(made)
