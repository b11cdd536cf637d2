"""The main job on real nodes: off the wildcard mirror, node by node, and back where CRI does not load."""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.paths import KEY
from tests.lab.nodes import (
    CONFIG,
    PROJECT,
    REGISTRIES,
    Inventory,
    LabNode,
    Ran,
    canary,
    fleet,
    hosts_toml,
    rollback,
    rollout,
)

Fresh = Callable[..., list[LabNode]]
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4", "worker-5")
DROP_IN = "/etc/containerd/conf.d/mirrors.toml"
MIRRORS = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]
  endpoint = ["http://198.18.20.10:5000"]
"""


def import_mirrors(node: LabNode) -> None:
    """A drop-in that sets the wildcard mirror too."""
    node.write(DROP_IN, MIRRORS)
    config = node.config.replace("version = 2", 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]')
    node.write(CONFIG, config)
    node.restart()


def bring_mirrors_back(node: LabNode) -> None:
    """A tool of somebody else's that writes its drop-in anew whenever containerd starts."""
    import_mirrors(node)
    node.write("/etc/mirrors.toml", MIRRORS)
    node.write(
        "/etc/systemd/system/containerd.service.d/10-tool.conf",
        f"[Service]\nExecStartPre=/bin/cp /etc/mirrors.toml {DROP_IN}\n",
    )
    node.sh("systemctl daemon-reload")
    node.restart()


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    diff = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    removed, added = ([line[1:].strip() for line in diff if line.startswith(sign)] for sign in "-+")
    return removed, added


def assert_migrated(node: LabNode, before: str) -> None:
    assert node.cri == "ok"
    removed, added = changed_lines(before, node.config)
    assert added == ['config_path = "/etc/containerd/certs.d"']
    assert [line for line in removed if "mirrors" not in line] == [
        'endpoint = ["http://198.18.20.10:5000"] # registry-vm'
    ]
    assert "mirrors" not in node.config
    found = node.sh("cd /etc/containerd/certs.d && find . -type f").split()
    assert sorted(found) == sorted(f"./{registry}/hosts.toml" for registry in REGISTRIES)
    for registry in REGISTRIES:
        assert node.read(f"/etc/containerd/certs.d/{registry}/hosts.toml") == hosts_toml(registry, dials=node.dials)
    assert (
        node.sh("stat -c %a /etc/containerd/certs.d/ghcr.io /etc/containerd/certs.d/ghcr.io/hosts.toml") == "755\n644\n"
    )
    assert node.sh("find /etc/containerd -name '.containerd-fleet*'") == ""


def test_a_rollout_migrates_skips_and_is_done_when_it_is_repeated(fresh: Fresh) -> None:
    nodes = {node.name: node for node in fresh(*WORKERS)}
    configs = {name: node.config for name, node in nodes.items()}
    skipped = nodes["worker-1"].snapshot()

    ran = fleet("rollout", "--group", "workers", "--yes", "--json", "--settle", "1", "--without-gate")

    assert ran.exit == 0, ran.stderr
    assert ran.outcomes == {"worker-1": "skipped"} | dict.fromkeys(WORKERS[1:], "migrated")
    assert "1.6" in ran.reason("worker-1")
    assert nodes["worker-1"].snapshot() == skipped
    assert nodes["worker-1"].transactions() == []
    for name in WORKERS[1:]:
        assert_migrated(nodes[name], configs[name])
        assert nodes[name].transactions() == [ran.json["run"]]
        assert nodes[name].read("/var/lib/containerd-fleet/current/state") == "confirmed\n"

    pids = {name: node.pid for name, node in nodes.items()}
    snapshots = {name: node.snapshot() for name, node in nodes.items()}
    again = rollout("--group", "workers")

    assert again.exit == 0
    assert again.json["run"] is None
    assert again.outcomes == {"worker-1": "skipped"} | dict.fromkeys(WORKERS[1:], "unchanged")
    assert {name: node.pid for name, node in nodes.items()} == pids
    assert {name: node.snapshot() for name, node in nodes.items()} == snapshots


def test_the_waves_are_one_canary_per_generation_then_the_rest(fresh: Fresh) -> None:
    fresh(*WORKERS)
    ran = rollout("--group", "workers")
    waves = [line for line in ran.stderr.splitlines() if line.startswith(("canary", "wave", "control-plane"))]
    assert waves == [
        "canary of containerd-1.7: worker-2",
        "canary of containerd-2: worker-4",
        "wave 1 of 1: worker-3, worker-5",
    ]


def test_a_canary_whose_cri_fails_is_rolled_back_and_nothing_else_is_touched(fresh: Fresh) -> None:
    broken, other = fresh("worker-4", "worker-5")
    bring_mirrors_back(broken)
    broken.sh(f"chown 1:2 {CONFIG} && chmod 640 {CONFIG}")
    before, untouched, pid = broken.snapshot(), other.snapshot(), other.pid

    ran = rollout("--group", "containerd-2")

    assert ran.exit == 1
    assert ran.outcomes == {"worker-4": "rolled_back", "worker-5": "untouched"}
    assert "`mirrors` cannot be set when `config_path` is provided" in ran.reason("worker-4")
    assert "worker-4" in ran.reason("worker-5")
    assert broken.snapshot() == before
    assert broken.cri == "ok"
    assert broken.read("/var/lib/containerd-fleet/current/state") == "rolled_back\n"
    assert (other.snapshot(), other.pid, other.transactions()) == (untouched, pid, [])


def test_a_node_that_does_not_run_what_was_planned_is_rolled_back_though_its_cri_is_ok(fresh: Fresh) -> None:
    """On 1.x the drop-in's table replaces the whole one of config.toml: CRI is ok, and the mirrors are still there."""
    [node] = fresh("worker-2")
    bring_mirrors_back(node)
    before = node.snapshot()
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "rolled_back"})
    assert f"{DROP_IN} is not what was put there" in ran.reason("worker-2")
    assert node.snapshot() == before
    assert node.cri == "ok"


@pytest.mark.parametrize("name", ["worker-2", "worker-4"])
def test_a_drop_in_that_sets_the_mirror_is_migrated_with_the_file_that_imports_it(fresh: Fresh, name: str) -> None:
    [node] = fresh(name)
    import_mirrors(node)
    before = node.snapshot()
    ran = canary(name)
    assert (ran.exit, ran.outcomes) == (0, {name: "migrated"}), ran.stdout
    assert "mirrors" not in node.read(DROP_IN) + node.config
    dump = node.sh("containerd config dump 2>/dev/null")
    assert re.search(r"config_path = ['\"]/etc/containerd/certs.d['\"]", dump)
    assert node.cri == "ok"
    assert canary(name).outcomes == {name: "unchanged"}
    assert rollback("--host", name).outcomes == {name: "rolled_back"}
    assert node.snapshot() == before


def test_a_canary_changes_one_node_only(fresh: Fresh) -> None:
    one, other = fresh("worker-2", "worker-3")
    before, config = other.snapshot(), one.config
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated"})
    assert_migrated(one, config)
    assert other.snapshot() == before


def test_a_failure_among_the_rest_starts_nothing_new(fresh: Fresh) -> None:
    _, worker_3, _, worker_5 = fresh(*WORKERS[1:])
    bring_mirrors_back(worker_3)
    before = worker_3.snapshot(), worker_5.snapshot()
    ran = rollout("--group", "workers", "--num-workers", "1")
    assert ran.exit == 1
    assert ran.outcomes == {
        "worker-1": "skipped",
        "worker-2": "migrated",
        "worker-3": "rolled_back",
        "worker-4": "migrated",
        "worker-5": "untouched",
    }
    assert (worker_3.snapshot(), worker_5.snapshot()) == before


def test_control_plane_nodes_go_last_and_one_by_one(fresh: Fresh, inventory: Inventory) -> None:
    master, worker = fresh("k8s-master", "worker-1")
    inventory.replace("groups.yaml", "strategy: skip", "strategy: config_path")
    configs = master.config, worker.config
    ran = rollout("--group", "containerd-1.6", *inventory.option)
    assert (ran.exit, ran.outcomes) == (0, {"k8s-master": "migrated", "worker-1": "migrated"})
    waves = [line for line in ran.stderr.splitlines() if line.startswith(("canary", "wave", "control-plane"))]
    assert waves == ["canary of containerd-1.6: worker-1", "control-plane: k8s-master"]
    for node, config in zip((master, worker), configs, strict=True):
        assert_migrated(node, config)


def test_strategy_mirrors_gives_a_16_node_its_caches_in_the_old_syntax(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-1")
    inventory.replace("groups.yaml", "strategy: skip", "strategy: mirrors")
    before = node.config
    ran = canary("worker-1", *inventory.option)
    assert (ran.exit, ran.outcomes) == (0, {"worker-1": "migrated"})
    assert node.cri == "ok"
    _, added = changed_lines(before, node.config)
    for registry, (_, port) in REGISTRIES.items():
        assert f'[plugins."io.containerd.grpc.v1.cri".registry.mirrors."{registry}"]' in added
        assert f'endpoint = ["http://198.18.20.10:{port}"]' in added
    assert len(added) == 2 * len(REGISTRIES)
    assert 'mirrors."*"' not in node.config
    pid = node.pid
    again = canary("worker-1", *inventory.option)
    assert (again.exit, again.outcomes, node.pid) == (0, {"worker-1": "unchanged"}, pid)


def test_strategy_mirrors_is_refused_where_config_path_is_set(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    assert canary("worker-2").exit == 0
    before = node.snapshot()
    inventory.replace(
        "groups.yaml", "containerd-1.7: {data: {strategy: config_path}}", "containerd-1.7: {data: {strategy: mirrors}}"
    )
    ran = canary("worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "config_path" in ran.reason("worker-2")
    assert node.snapshot() == before


SECRETS = """
[plugins."io.containerd.grpc.v1.cri".registry.configs."198.18.20.10:5000".auth]
  username = "puller"
  password = "hunter2-and-more" # rotate me
"""


def test_a_dry_run_shows_the_exact_diff_and_changes_no_byte(fresh: Fresh) -> None:
    nodes = fresh("worker-2", "worker-4")
    for node in nodes:
        node.write(CONFIG, node.config + SECRETS)
        node.restart()
    before = [(node.snapshot(), node.pid) for node in nodes]

    chosen = ("--group", "workers", "--limit", "worker-2,worker-4", "--dry-run", "--diff")
    people = fleet("rollout", *chosen, "--without-gate")
    machines = rollout(*chosen)

    assert (people.exit, machines.exit) == (5, 5)
    assert machines.outcomes == {"worker-2": "planned", "worker-4": "planned"}
    assert machines.json["run"] is None
    for node in nodes:
        diff = machines.json["nodes"][node.name]["diff"]
        assert diff in people.stdout
        added = {line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")}
        assert '      config_path = "/etc/containerd/certs.d"' in added
        assert set(hosts_toml("ghcr.io").splitlines()) <= added
        assert [line for line in diff.splitlines() if line.startswith("+++ ")] == [
            *(f"+++ b/etc/containerd/certs.d/{registry}/hosts.toml" for registry in REGISTRIES),
            f"+++ b{CONFIG}",
        ]
    for ran in (people, machines):
        assert "hunter2" not in ran.stdout + ran.stderr
        assert "\x1b" not in ran.stdout + ran.stderr
    assert [(node.snapshot(), node.pid) for node in nodes] == before
    assert [node.transactions() for node in nodes] == [[], []]


def test_secrets_stay_in_the_file_and_out_of_every_output(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.write(CONFIG, node.config + SECRETS)
    node.restart()
    ran = canary("worker-2", "--diff", "--verbose")
    assert ran.exit == 0
    assert SECRETS in node.config
    assert "hunter2" not in ran.stdout + ran.stderr
    assert ran.json["nodes"]["worker-2"]["diff"]


def test_a_config_that_is_newer_than_the_daemon_is_a_restart_pending(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    assert canary("worker-4").exit == 0
    node.sh(f"cp {CONFIG} /tmp/c && echo '# edited' >>/tmp/c && cat /tmp/c >{CONFIG}")
    pid = node.pid
    planned = canary("worker-4", "--dry-run")
    assert (planned.exit, planned.outcomes) == (5, {"worker-4": "planned"})
    assert "restart pending" in planned.reason("worker-4")
    newest = node.sh("readlink /var/lib/containerd-fleet/current")
    ran = canary("worker-4")
    assert node.sh("readlink /var/lib/containerd-fleet/current") == newest
    assert (ran.exit, ran.outcomes) == (0, {"worker-4": "migrated"})
    assert node.pid != pid
    assert canary("worker-4").outcomes == {"worker-4": "unchanged"}


def test_a_change_of_hosts_toml_alone_needs_no_restart(fresh: Fresh) -> None:
    [node] = fresh("worker-5")
    assert canary("worker-5").exit == 0
    node.sh("rm /etc/containerd/certs.d/quay.io/hosts.toml")
    pid = node.pid
    assert canary("worker-5").outcomes == {"worker-5": "migrated"}
    assert node.read("/etc/containerd/certs.d/quay.io/hosts.toml") == hosts_toml("quay.io", dials=True)
    assert node.pid == pid


def test_a_version_3_file_is_migrated_in_its_own_table(fresh: Fresh) -> None:
    [node] = fresh("worker-5")
    node.write(
        CONFIG,
        'version = 3 # ours\n\n[plugins."io.containerd.cri.v1.images".registry.mirrors."*"]\n'
        '  endpoint = ["http://198.18.20.10:5000"]\n',
    )
    node.restart()
    assert canary("worker-5").outcomes == {"worker-5": "migrated"}
    assert node.config == (
        'version = 3 # ours\n\n[plugins."io.containerd.cri.v1.images".registry]\n'
        '  config_path = "/etc/containerd/certs.d"\n'
    )
    assert node.cri == "ok"


def test_a_symbolic_link_stays_one(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    node.sh(
        f"mkdir /etc/managed && mv {CONFIG} /etc/managed/containerd.toml && ln -s /etc/managed/containerd.toml {CONFIG}"
    )
    node.restart()
    before = node.snapshot() + node.read("/etc/managed/containerd.toml")
    assert canary("worker-3").outcomes == {"worker-3": "migrated"}
    assert node.sh(f"readlink {CONFIG}").strip() == "/etc/managed/containerd.toml"
    assert "config_path" in node.read("/etc/managed/containerd.toml")
    assert rollback("--host", "worker-3").exit == 0
    assert node.snapshot() + node.read("/etc/managed/containerd.toml") == before


def test_a_node_filed_under_the_wrong_generation_is_stopped(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    inventory.replace(
        "hosts.yaml",
        "198.18.20.22, port: 22, groups: [workers, containerd-1.7]",
        "198.18.20.22, port: 22, groups: [workers, containerd-2]",
    )
    ran = canary("worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "runs containerd 1.7.24" in ran.reason("worker-2")
    assert "containerd-1.7" in ran.reason("worker-2")
    assert node.transactions() == []


def test_a_user_with_sudo_does_as_well_as_root(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-4")
    inventory.replace("defaults.yaml", "username: root", "username: operator")
    config = node.config
    ran = canary("worker-4", *inventory.option)
    assert (ran.exit, ran.outcomes) == (0, {"worker-4": "migrated"}), ran.stderr
    assert_migrated(node, config)
    assert rollback("--host", "worker-4", *inventory.option).outcomes == {"worker-4": "rolled_back"}


def test_a_node_that_another_run_owns_is_left_to_it(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    assert canary("worker-2").exit == 0
    assert rollback("--host", "worker-2").exit == 0
    node.sh("echo staged >/var/lib/containerd-fleet/current/state")
    before = node.snapshot()
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "owns this node" in ran.reason("worker-2")
    assert node.snapshot() == before


@pytest.mark.parametrize("state", ["swapping", "rolling_back"])
def test_a_run_that_did_not_finish_has_to_be_undone_first(fresh: Fresh, state: str) -> None:
    [node] = fresh("worker-2")
    assert canary("worker-2").exit == 0
    node.sh(f"echo {state} >/var/lib/containerd-fleet/current/state")
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "did not finish" in ran.reason("worker-2")
    assert rollback("--host", "worker-2").outcomes == {"worker-2": "rolled_back"}
    assert canary("worker-2").outcomes == {"worker-2": "migrated"}


def test_a_config_path_with_a_slash_at_its_end_is_kept_and_used(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    registry = '[plugins."io.containerd.grpc.v1.cri".registry]\n'
    head, _, _ = node.config.partition('      [plugins."io.containerd.grpc.v1.cri".registry.mirrors]')
    node.write(CONFIG, head.replace(registry, f'{registry}      config_path = "/etc/certs/"\n'))
    node.restart()
    before = node.config
    assert canary("worker-2").outcomes == {"worker-2": "migrated"}
    assert node.config == before
    assert node.read("/etc/certs/ghcr.io/hosts.toml") == hosts_toml("ghcr.io")
    assert canary("worker-2").outcomes == {"worker-2": "unchanged"}


def test_endpoints_of_other_registries_are_carried_along(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    table = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."registry.example.com:5000"]'
    node.write(CONFIG, f'{node.config}{table}\n  endpoint = ["http://10.9.9.9:5000", "https://m.example.com/v2/p"]\n')
    node.restart()
    assert canary("worker-4").outcomes == {"worker-4": "migrated"}
    assert node.read("/etc/containerd/certs.d/registry.example.com_5000_/hosts.toml") == (
        'server = "https://registry.example.com:5000"\n'
        '\n[host."http://10.9.9.9:5000"]\n  capabilities = ["pull", "resolve"]\n'
        '\n[host."https://m.example.com/v2/p"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n'
    )


def test_a_node_that_somebody_rolls_back_while_it_settles_is_not_called_migrated(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(canary, "worker-2", "--settle", "6")
        while node.sh("cat /var/lib/containerd-fleet/current/state 2>/dev/null || true") != "verifying\n":
            time.sleep(0.1)
        assert rollback("--host", "worker-2").outcomes == {"worker-2": "rolled_back"}
        ran = running.result()
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "rolled_back"})
    assert "the transaction is rolled_back by now" in ran.reason("worker-2")
    assert node.snapshot() == before


@pytest.mark.parametrize("step", ["stage", "swap config.toml", "restart"])
def test_a_reader_that_goes_away_does_not_stop_the_run(fresh: Fresh, step: str) -> None:
    [node] = fresh("worker-2")
    words = ["canary", "--host", "worker-2", "--yes", "--settle", "0", "--without-gate"]
    command = [sys.executable, str(PROJECT / "main.py"), *words]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        assert run.stdout
        while run.stdout.readline() != f"worker-2: {step} done\n".encode():
            assert run.poll() is None
        run.stdout.close()
        assert run.wait(60) == 0
    assert node.read("/var/lib/containerd-fleet/current/state") == "confirmed\n"


def test_a_program_that_was_replaced_on_disk_is_not_started_unasked(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    node.sh("cp /usr/bin/containerd /usr/bin/new && mv /usr/bin/new /usr/bin/containerd")
    pid = node.pid
    ran = canary("worker-4")
    assert (ran.exit, ran.outcomes, node.pid) == (1, {"worker-4": "failed"}, pid)
    assert "--allow-version-change" in ran.reason("worker-4")
    assert canary("worker-4", "--allow-version-change").outcomes == {"worker-4": "migrated"}


TLS = """
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."m.example"]
  endpoint = ["https://m.example:8443"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."m.example:8443".tls]
  insecure_skip_verify = true
"""


def test_tls_settings_move_with_their_mirror(fresh: Fresh) -> None:
    """On 1.x a tls table beside config_path keeps CRI from loading."""
    [node] = fresh("worker-2")
    node.write(CONFIG, node.config + TLS)
    node.restart()
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated"}), ran.stdout
    assert "tls" not in node.config
    assert node.read("/etc/containerd/certs.d/m.example/hosts.toml") == (
        'server = "https://m.example"\n\n[host."https://m.example:8443"]\n  capabilities = ["pull", "resolve"]\n'
        "  skip_verify = true\n"
    )
    assert node.cri == "ok"


LOST = """
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
  endpoint = ["https://old"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."old".tls]
  ca_file = "/etc/ca.pem"
"""


def test_a_loss_has_to_be_accepted(fresh: Fresh) -> None:
    """TLS for the old proxy, which nothing is pulled from any more."""
    [node] = fresh("worker-2")
    node.write(CONFIG, node.config + LOST)
    node.restart()
    before = node.snapshot()
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    [code] = set(re.findall(r"--accept-loss ([a-z-]+)", ran.reason("worker-2")))
    assert node.snapshot() == before
    assert canary("worker-2", "--accept-loss", code).outcomes == {"worker-2": "migrated"}
    assert node.cri == "ok"


def test_a_config_path_and_an_address_that_the_unit_names(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    node.sh(f"mkdir '/etc/my conf' && mv {CONFIG} '/etc/my conf/config.toml'")
    node.write(
        "/etc/systemd/system/containerd.service.d/10-config.conf",
        "[Service]\nExecStart=\n"
        'ExecStart=/usr/bin/containerd --config "/etc/my conf/config.toml" --address /run/other.sock\n',
    )
    node.sh("systemctl daemon-reload && systemctl restart containerd")
    before = node.read("/etc/my conf/config.toml")
    assert canary("worker-3").outcomes == {"worker-3": "migrated"}
    assert "config_path" in node.read("/etc/my conf/config.toml")
    assert rollback("--host", "worker-3").outcomes == {"worker-3": "rolled_back"}
    assert node.read("/etc/my conf/config.toml") == before


def test_nodes_behind_a_bastion(fresh: Fresh, inventory: Inventory) -> None:
    fresh("worker-2", "worker-3", "worker-5")
    inventory.replace("defaults.yaml", "      key_file:", "      jump: root@198.18.20.24:22\n      key_file:")
    ran = rollout("--group", "containerd-1.7", *inventory.option)
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated", "worker-3": "migrated"})
    inventory.replace("defaults.yaml", "root@198.18.20.24:22", "root@bastion.invalid")
    lost = rollout("--group", "containerd-1.7", *inventory.option)
    assert (lost.exit, lost.outcomes) == (4, {"worker-2": "unreachable", "worker-3": "unreachable"})
    assert "bastion.invalid does not resolve" in lost.reason("worker-2")


def test_a_key_that_only_the_agent_has(fresh: Fresh, inventory: Inventory) -> None:
    fresh("worker-2")
    inventory.replace(
        "defaults.yaml", "      key_file: /var/lib/containerd-fleet-lab/ssh/id_ed25519\n", "      use_agent: true\n"
    )
    assert canary("worker-2", *inventory.option).outcomes == {"worker-2": "unreachable"}
    script = 'ssh-add -q "$0" && exec "$@"'
    options = ["--yes", "--json", "--settle", "0", "--without-gate", *inventory.option]
    words = ["main.py", "canary", "--host", "worker-2", *options]
    command = ["ssh-agent", "sh", "-c", script, str(KEY), sys.executable, *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert Ran(done.returncode, done.stdout, done.stderr).outcomes == {"worker-2": "migrated"}


def test_people_get_a_table_without_escape_codes_in_a_pipe(fresh: Fresh) -> None:
    fresh("worker-2")
    ran: Ran = fleet("canary", "--host", "worker-2", "--settle", "0", "--verbose", "--without-gate")
    assert ran.exit == 0
    assert "1 migrated (exit code 0)" in ran.stdout
    assert "worker-2: swap config.toml done" in ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr
