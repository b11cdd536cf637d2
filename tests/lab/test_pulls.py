"""Pulls that go through the caches, and those that only seem to."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from threading import Thread

import pytest

from tasks import scripts, wire
from tests.lab import crictl
from tests.lab.caches import UpstreamHost
from tests.lab.nodes import CONFIG, MIRROR, PROJECT, REGISTRIES, Inventory, LabNode, fleet, hosts_toml, until
from tests.lab.scene import (
    CERTS,
    CONTAINERS,
    LEFT,
    NODES,
    PROVEN,
    TINY,
    Scene,
    changed,
    cut_off,
    forwarding_nothing,
    on_all,
    pulls,
    verdicts,
)

BOTH = ("worker-2", "worker-4")
BOTH_CAPABILITIES = '["pull", "resolve"]'


@pytest.fixture(scope="module")
def scene(_lab: None, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene.set(tmp_path_factory.mktemp("pulls") / "inventory")


def broken_files() -> dict[str, str | None]:
    """A hosts.toml for each registry, each wrong in another way; containerd says nothing of any."""
    texts = {
        "docker.io": hosts_toml("docker.io").replace(BOTH_CAPABILITIES, '["pull"]'),
        "ghcr.io": None,
        "quay.io": "[[",
        "registry.k8s.io": hosts_toml("registry.k8s.io").replace("5030", "5020"),
        "reg.kyverno.io": hosts_toml("reg.kyverno.io").replace(BOTH_CAPABILITIES, '["resolve"]'),
    }
    return {f"{CERTS}/{registry}/hosts.toml": text for registry, text in texts.items()}


def test_a_node_that_is_skipped_and_one_that_never_migrated(scene: Scene) -> None:
    ran = scene.unmigrated
    assert (ran.exit, ran.outcomes) == (1, {"k8s-master": "skipped", "worker-2": "failed"})
    told = verdicts(ran, "worker-2")
    assert told["docker.io"] == PROVEN["docker.io"]
    look = f'{MIRROR}:5010 is not named by mirrors."*" in {CONFIG}'
    past = f"it asked registry on registry-vm, which is another registry's; {look}"
    assert told["ghcr.io"] == ("past the cache", past)


def test_each_generation_is_migrated_and_proven_and_each_cache_filled(scene: Scene) -> None:
    ran = scene.rollout
    assert (ran.exit, ran.outcomes) == (0, dict.fromkeys(NODES, "migrated"))
    assert ran.json["gate"] == {"said": f"5 caches are well, and answer {', '.join(NODES)}", "refused": []}
    for name in NODES:
        assert ran.reason(name).endswith("; 5 of 5 pulls went through their cache")
        *_, unproven, fallbacks = ran.json["nodes"][name]["details"]
        assert unproven.startswith("CRI path unproven (no crictl): ctr pulled, by")
        assert fallbacks.startswith("with the caches down: docker.io 0.")
    for _, port in REGISTRIES.values():
        assert "tiny" in scene.caches.sh(f"curl -sS localhost:{port}/v2/_catalog")


def test_every_registry_on_every_generation(scene: Scene, upstream: UpstreamHost) -> None:
    """Also where a power cut has left what was pulled before, where content is here, where sshd forwards nothing."""
    nodes = scene.nodes
    before = [(node.snapshot(), node.pid, node.sh(LEFT)) for node in nodes]
    ours = {f"198.18.20.{20 + int(name[-1])}" for name in NODES}
    for node in nodes:
        node.sh(f"ctr -n containerd-fleet-verify images pull --hosts-dir {CERTS} {TINY['quay.io']}")
        node.sh("mkdir /run/containerd-fleet-verify && touch /run/containerd-fleet-verify/said")
    nodes[1].sh(f"ctr -n other images pull --hosts-dir {CERTS} {TINY['docker.io']}")
    asked = {registry: len(upstream.requests(registry)) for registry in REGISTRIES}

    with forwarding_nothing(nodes[2]):
        ran = scene.verify()

    assert (ran.exit, set(ran.outcomes.values())) == (0, {"proven"})
    here = {"docker.io": ("proven", "asked registry on registry-vm; its content was here already")}
    assert [verdicts(ran, name) for name in NODES] == [PROVEN, PROVEN | here, PROVEN]
    assert ran.reason("worker-2").endswith("; the content of 1 was on the node already")
    for name in NODES:
        where = "a copy of the mirrors in" if name == "worker-1" else "the files below"
        place = CONFIG if name == "worker-1" else CERTS
        unproven = f"CRI path unproven (no crictl): ctr pulled, by {where} {place}"
        assert ran.json["nodes"][name]["details"] == [unproven]
    nodes[1].sh(f"ctr -n other images rm --sync {TINY['docker.io']}; ctr namespaces rm other")
    assert [(node.snapshot(), node.pid, node.sh(LEFT)) for node in nodes] == before
    # It is so: no node has asked an upstream.
    for registry, number in asked.items():
        assert not ours & {it.client for it in upstream.requests(registry)[number:]}


def test_a_pull_that_silently_goes_elsewhere(scene: Scene) -> None:
    with ExitStack() as stack:
        for name in BOTH:
            stack.enter_context(changed(LabNode(name), broken_files()))
        stack.enter_context(forwarding_nothing(LabNode("worker-4")))
        ran = scene.verify(only=BOTH)
    assert (ran.exit, ran.outcomes) == (1, dict.fromkeys(BOTH, "failed"))
    unasked = "it did not come through the cache: {} on registry-vm was not asked; {}/{}/hosts.toml"
    content = "{} on registry-vm gave content, and was not asked what 1 is; look at the capabilities of {} in {}: "
    for name in BOTH:
        told = verdicts(ran, name)
        assert {verdict for verdict, _ in told.values()} == {"past the cache"}
        docker = content.format("registry", f"{MIRROR}:5000", f"{CERTS}/docker.io/hosts.toml")
        assert told["docker.io"][1].startswith(docker)
        assert told["ghcr.io"][1] == f"{unasked.format('registry-ghcr', CERTS, 'ghcr.io')} is not there"
        assert f"ignores all of {CERTS}/quay.io/hosts.toml: " in told["quay.io"][1]
        assert told["registry.k8s.io"][1].startswith("it asked registry-quay on registry-vm, which is another")
        kyverno = content.format("registry-kyverno", f"{MIRROR}:5040", f"{CERTS}/reg.kyverno.io/hosts.toml")
        assert told["reg.kyverno.io"][1].startswith(kyverno)
        assert f"ghcr.io/lab/tiny:1: {told['ghcr.io'][1]}" in ran.reason(name)


def test_nodes_that_a_cache_sees_under_one_address(scene: Scene) -> None:
    """They may have asked for each other; one at a time each is known."""
    masquerade = "iptables -t nat {} POSTROUTING -p tcp --dport 5000 -j MASQUERADE"
    scene.caches.sh(masquerade.format("-A"))
    try:
        ran, alone = scene.verify(only=BOTH), scene.verify(only=BOTH[:1])
    finally:
        scene.caches.sh(masquerade.format("-D"))
    one = "registry-ghcr on registry-vm sees worker-2 and worker-4 under one address"
    for name in BOTH:
        assert verdicts(ran, name)["ghcr.io"] == ("unproven", f"{one}; verify them one at a time with --host")
    assert (ran.exit, alone.exit, alone.outcomes) == (1, 0, {"worker-2": "proven"})


def test_a_cache_that_answers_with_an_error_once_and_one_that_goes_on(
    scene: Scene, upstream: UpstreamHost, inventory: Inventory
) -> None:
    """It has lost a blob, and does not reach its upstream. What a cache refuses comes from there; it is asked again."""
    image = upstream.publish("ghcr.io", f"lab/lost-{time.monotonic_ns()}")
    name, data = f"ghcr.io/{image.repository}:1", scene.caches.data("registry-ghcr")
    scene.verify("--pull", name, only=BOTH[:1])
    digest = image.layer.removeprefix("sha256:")
    inventory.replace("defaults.yaml", "container: registry-quay", "container: registry-kway")
    words = ("verify", *inventory.option, "--all", "--limit", "worker-2", "--pull", name)
    with cut_off(scene.caches, "ghcr.io") as end:
        scene.caches.sh(f"rm -r {data}/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}")
        lasting = fleet(*words, "--json")
        with started(*words) as passing:
            assert passing.stderr
            for line in passing.stderr:
                if line.startswith(f"worker-2: pull {name} done"):
                    end()
            said = passing.communicate(timeout=30)[0]

    assert verdicts(lasting, "worker-2")["ghcr.io"] == (
        "past the cache",
        f"registry-ghcr on registry-vm answered 500 to GET blobs/{image.layer}, and it came from elsewhere: "
        "see docker logs there",
    )
    [row] = [line for line in said.splitlines() if line.startswith("worker-2") and " ghcr.io " in line]
    assert "proven" in row
    verdict, reason = verdicts(lasting, "worker-2")["quay.io"]
    assert verdict == "unproven"
    assert "its log cannot be read: registry-kway on registry-vm: " in reason
    assert "No such container" in reason


def test_the_proxy_that_containerd_is_told_to_use(scene: Scene) -> None:
    """Nothing listens there: the caches, which are no https, are asked past it, and the upstream is out of reach."""
    drop_in = "/etc/systemd/system/containerd.service.d/50-proxy.conf"
    restart = "systemctl daemon-reload && systemctl restart containerd"
    with ExitStack() as stack:
        for node in scene.nodes:
            setting = {drop_in: "[Service]\nEnvironment=HTTPS_PROXY=http://127.0.0.1:1\n"}
            stack.enter_context(changed(node, setting))
        on_all(scene.nodes, lambda node: node.sh(restart))
        ran = scene.verify("--fallback")
    on_all(scene.nodes, lambda node: node.sh(restart))
    for name in NODES:
        for pull in pulls(ran, name).values():
            assert (pull["verdict"], bool(pull["fallback"]["error"])) == ("proven", True)


def started(*words: str) -> subprocess.Popen[str]:
    """A command line that runs, while a test does something."""
    command = [sys.executable, str(PROJECT / "main.py"), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def with_crictl(scene: Scene) -> Iterator[None]:
    on_all(scene.nodes, crictl.install)
    yield
    on_all(scene.nodes, crictl.remove)


@pytest.mark.usefixtures("with_crictl")
def test_the_path_of_cri(scene: Scene, upstream: UpstreamHost) -> None:
    """All that was there is there afterwards, and stands for what it stood for; all else is gone.

    Unless a container was started from it meanwhile.
    """
    number = time.monotonic_ns()
    moves = upstream.publish("ghcr.io", f"lab/moves-{number}", text="one")
    imported = upstream.publish("docker.io", f"lab/imported-{number}", text="one")
    by_id = upstream.publish("reg.kyverno.io", f"lab/by-id-{number}")
    moved, came, id_of = (f"{host}/{it.repository}" for host, it in (
        ("ghcr.io", moves), ("docker.io", imported), ("reg.kyverno.io", by_id)))  # fmt: skip
    listing = "ctr -n k8s.io images ls | tail -n +2 | tr -s ' ' | cut -d' ' -f1,3 | sort"

    def prepare(node: LabNode) -> None:
        node.sh(f"crictl pull {TINY['ghcr.io']}; crictl pull {moved}:1; crictl pull {id_of}@{by_id.manifest}")
        # What ctr imports has no name with its digest.
        node.sh(f"ctr -n k8s.io images pull --hosts-dir {CERTS} {came}:1")
        node.write(
            "/etc/after-pull", f"ctr -n k8s.io containers create {TINY['quay.io']} meanwhile 2>/dev/null\ntrue\n"
        )
        until(lambda: node.sh(listing).count("sha256:") > node.sh(listing).count("@"))

    on_all(scene.nodes, prepare)
    upstream.publish("ghcr.io", moves.repository, text="two")
    upstream.publish("docker.io", imported.repository, text="two")
    before = [(node.snapshot(), node.pid, node.sh(listing), node.sh("crictl images")) for node in scene.nodes]
    images = [word for name in (f"{moved}:1", TINY["ghcr.io"], f"{came}:1", f"{id_of}:1") for word in ("--pull", name)]
    with changed(scene.nodes[1], {f"{CERTS}/registry.k8s.io/hosts.toml": None}):
        ran = scene.verify(*images)

    assert (ran.exit, ran.outcomes) == (1, {"worker-1": "proven", "worker-2": "failed", "worker-4": "proven"})
    assert verdicts(ran, "worker-2")["registry.k8s.io"][0] == "past the cache"
    for node in scene.nodes:
        told = {it["image"]: it["reason"] for it in ran.json["nodes"][node.name]["pulls"]}
        assert told[TINY["ghcr.io"]] == "asked registry-ghcr on registry-vm; its content was here already"
        assert told[f"{moved}:1"] == "through registry-ghcr on registry-vm"
        stays = f"{TINY['quay.io']} stays: a container was started from it meanwhile"
        assert ran.json["nodes"][node.name]["details"] == [stays]
        assert TINY["quay.io"] in node.sh(LEFT).split()
        names = crictl.names_of(TINY["quay.io"])
        node.sh(f"ctr -n k8s.io containers rm meanwhile; {names} | xargs ctr -n k8s.io images rm --sync")
    after = [(node.snapshot(), node.pid, node.sh(listing), node.sh("crictl images")) for node in scene.nodes]
    assert after == before


@pytest.mark.usefixtures("with_crictl")
def test_where_ctr_fails_nothing_is_removed_that_was_there(scene: Scene) -> None:
    """It fails from its nth call for such a command on. What is left is said."""
    node, image, ctr = scene.nodes[1], TINY["quay.io"], "/run/crictl.ctr"
    options = f"/run/containerd/containerd.sock {image} 30 /var/lib/containerd /usr/local/bin/crictl quay.io/lab/tiny"
    script = scripts.source("pull", scripts.text("pull_with_crictl"))
    node.sh(f"crictl pull {TINY['ghcr.io']}")
    for command, number, left in (
        ("images ls", 2, "may be left in k8s.io: ctr cannot list the images there"),
        ("containers ls", 1, "is left in k8s.io: ctr cannot list the containers there"),
        ("images rm", 1, "could not be removed from k8s.io"),
        ("images ls", 1, ""),
    ):
        count = f"echo >>{ctr}.calls; [ $(wc -l <{ctr}.calls) -lt {number} ] || exit 1"
        node.write(ctr, f'#!/bin/sh\ncase "$*" in *"{command}"*) {count} ;; esac\nexec ctr "$@"\n')
        told = node.sh(f"rm -f {ctr}.calls; chmod 755 {ctr}; sh -s {ctr} {options} 2>&1 || true", script)
        if left:
            assert wire.text(wire.decode(told.encode()), "left") == f"{image} {left}"
        else:
            assert told == "ctr cannot list the images of k8s.io\n"
        images = node.sh("ctr -n k8s.io images ls -q").split()
        assert (TINY["ghcr.io"] in images, image in images) == (True, bool(left))
        node.sh(f"{crictl.names_of(image)} | xargs -r ctr -n k8s.io images rm --sync")


def test_nothing_stays_of_a_verification_that_is_killed(scene: Scene, upstream: UpstreamHost) -> None:
    """Be it the controller, or what it has started on the node."""
    image = upstream.publish("ghcr.io", f"lab/slow-{time.monotonic_ns()}", ballast=3_000_000)
    upstream.slow(8)
    name = f"ghcr.io/{image.repository}:1"
    # The processes in whose command line are these words: the pull, and the one that watches the script's deadline.
    of_image = f"xargs -r grep -lszFx {name} | cut -d/ -f3"
    pulling, deadline = (f"grep -lszFx {word} /proc/[0-9]*/cmdline | {of_image}" for word in ("images", "180"))
    controller, node = LabNode("worker-2"), LabNode("worker-4")
    before = {*controller.sh(LEFT).split(), *node.sh(LEFT).split(), "k8s.io"}
    words = ("verify", "--json", *scene.inventory.option, "--pull", name, "--all", "--limit")
    with started(*words, controller.name) as first, started(*words, node.name) as second:
        for each in (controller, node):
            until(partial(each.sh, pulling))
        first.kill()
        node.sh(f"kill -TERM $({deadline})")
        said = second.communicate(timeout=60)[1]
    assert f"{node.name}: pull {name} failed: pull: it was interrupted" in said.splitlines()
    until(lambda: all(before.issuperset(each.sh(LEFT).split()) for each in (controller, node)))


def test_what_is_cached_comes_while_every_upstream_is_down(scene: Scene, upstream: UpstreamHost) -> None:
    """There is nothing to fall back to then; a node that is not meant to have a way out is not asked for it."""
    for registry in REGISTRIES:
        upstream.stop(registry)
    ran = scene.verify("--fallback")
    assert (ran.exit, set(ran.outcomes.values())) == (1, {"failed"})
    for name in NODES:
        for registry, pull in pulls(ran, name).items():
            assert (pull["verdict"], registry in pull["fallback"]["error"]) == ("proven", True)
    words = ("verify", "--json", *scene.inventory.option, "--host", "worker-2")
    assert fleet(*words, "--no-fallback").exit == 0
    # A tag that nobody has is no refusal of another.
    missing = fleet(*words, "--no-fallback", "--pull", TINY["ghcr.io"], "--pull", "ghcr.io/lab/tiny:none")
    told = {it["image"]: it["verdict"] for it in missing.json["nodes"]["worker-2"]["pulls"]}
    assert (told[TINY["ghcr.io"]], told["ghcr.io/lab/tiny:none"]) == ("proven", "failed")
    assert "worker-2: pull ghcr.io/lab/tiny:none failed: " in missing.stderr
    # Neither cron nor a person restarts a cache into a panic meanwhile.
    kept = fleet("caches", "restart", "ghcr", "--yes", "--json", *scene.inventory.option)
    assert kept.json["hosts"]["registry-vm"]["caches"]["registry-ghcr"]["outcome"] == "skipped"


def test_every_container_is_killed_and_pulls_go_on(scene: Scene, upstream: UpstreamHost) -> None:
    assert upstream
    scene.caches.kill(" ".join(CONTAINERS.values()))
    assert scene.caches.sh("docker ps -q") == ""
    # Of content that is on the node already a fallback says nothing about time.
    scene.nodes[1].sh(f"ctr -n other images pull --hosts-dir {CERTS} {TINY['docker.io']}")
    ran = scene.verify("--fallback")
    scene.nodes[1].sh(f"ctr -n other images rm --sync {TINY['docker.io']}; ctr namespaces rm other")
    assert (ran.exit, set(ran.outcomes.values())) == (1, {"failed"})
    for name in NODES:
        for registry, pull in pulls(ran, name).items():
            silent = f"{MIRROR}:{REGISTRIES[registry][1]} does not answer this node"
            assert pull["reason"] == f"it did not come through the cache: {silent}"
            assert (pull["verdict"], pull["fallback"]["error"]) == ("past the cache", "")
            here = (name, registry) == ("worker-2", "docker.io")
            assert pull["fallback"].get("here", False) == here
    scene.deploy()
    # One that dies of itself comes back of itself.
    for container in CONTAINERS.values():
        scene.caches.crash(container)
    scene.answer()
    assert set(scene.verify().outcomes.values()) == {"proven"}


def test_a_restart_waits_for_a_pull_and_a_pull_outlives_a_crash(scene: Scene, upstream: UpstreamHost) -> None:
    number, container = time.monotonic_ns(), "registry-ghcr"
    node = LabNode("worker-2")
    upstream.slow(8)
    came: list[str] = []

    def pull(repository: str) -> Thread:
        name = f"ghcr.io/{repository}:1"
        words = f"ctr -n slow images pull --hosts-dir {CERTS} {name} && ctr -n slow images rm --sync {name}; date +%s"
        thread = Thread(target=lambda: came.append(node.sh(words).split()[-1]))
        thread.start()
        until(lambda: repository in scene.caches.log(container))
        return thread

    first = upstream.publish("ghcr.io", f"lab/slow-{number}", ballast=2_000_000)
    thread = pull(first.repository)
    ran = fleet("caches", "restart", "ghcr", "--yes", "--json", *scene.inventory.option)
    thread.join()
    assert ran.json["hosts"]["registry-vm"]["caches"][container]["outcome"] == "restarted"
    started = scene.caches.sh(f"date -d $(docker inspect --format '{{{{.State.StartedAt}}}}' {container}) +%s")
    assert int(started) >= int(came[0])
    # It had time to write down what it is to remove one day.
    assert first.repository in scene.caches.read(f"{scene.caches.data(container)}/scheduler-state.json")

    thread = pull(upstream.publish("ghcr.io", f"lab/slower-{number}", ballast=2_000_000).repository)
    scene.caches.crash(container)
    thread.join()
    assert len(came) == 2


def test_a_full_disk_keeps_no_pull_from_coming(scene: Scene, upstream: UpstreamHost) -> None:
    image = upstream.publish("ghcr.io", f"lab/large-{time.monotonic_ns()}", ballast=500_000)
    name = f"ghcr.io/{image.repository}:1"
    with scene.caches.full_disk("registry-ghcr"):
        for node in scene.nodes[1:]:
            node.sh(f"ctr -n full images pull --hosts-dir {CERTS} {name} && ctr -n full images rm {name}")
        wrong = fleet("caches", "verify", "--json", *scene.inventory.option)
        codes = [it["code"] for it in wrong.json["hosts"]["registry-vm"]["caches"]["registry-ghcr"]["findings"]]
        assert (wrong.exit, "disk-full" in codes) == (5, True)
    scene.answer()
    assert scene.verify().exit == 0


@pytest.mark.usefixtures("_lab")
def test_who_cannot_be_asked(inventory: Inventory) -> None:
    inventory.replace("hosts.yaml", "198.18.20.25, port: 22", "198.18.20.25, port: 23")
    ran = fleet("verify", "--json", *inventory.option, "--host", "worker-5")
    assert (ran.exit, ran.outcomes) == (4, {"worker-5": "unreachable"})
    inventory.replace("hosts.yaml", "198.18.20.10, groups", "198.18.20.10, port: 23, groups")
    ran = fleet("verify", "--json", *inventory.option, "--group", "workers")
    assert ran.exit == 4
    assert set(ran.outcomes.values()) == {"untouched", "skipped"}
    assert ran.reason("worker-2").startswith("no cache host can be asked: registry-vm: nothing answers")
