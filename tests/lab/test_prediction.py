"""The prediction against real daemons: many files in one sandbox per node, whose own daemon is left alone."""

from __future__ import annotations

import io
import itertools
import os
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from containerd.loader import directories, predict
from containerd.model import MAIN, FileSet, Version, cri_health, generation_of, parse_plugins, parse_version
from lab import machine
from tests.lab.nodes import LabNode
from tests.unit.containerd.prediction_cases import CASES, IMPORTS, auth, config_path, file_set, mirrors, tls
from tests.unit.containerd.release_cases import RELEASE_CASES
from tests.unit.containerd.samples import NEW, OLD

NODES = ("worker-1", "worker-2", "worker-4")
FOLDER = Path(MAIN).parent

# CRI asks for the address of the default route when it has none to listen on, and a network of its own has no route.
PROBE = """
ip link set lo up
ip link add a0 type veth peer name a1
ip addr add 192.0.2.1/24 dev a0
ip link set a0 up
ip link set a1 up
ip route add default via 192.0.2.2
export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1
for case in "$1"/cases/*; do
    rm -rf /run/* /var/lib/containerd /etc/containerd/*
    cp -r "$case/files/." /etc/containerd/
    socket=$(cat "$case/socket")
    containerd >/dev/null 2>&1 &
    rows=
    until [ -S "$socket" ] && rows=$(timeout 5 ctr --address "$socket" plugins ls 2>/dev/null) && [ -n "$rows" ]; do
        kill -0 $! 2>/dev/null || break
        sleep 0.02
    done
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    echo "case ${case##*/}"
    echo "$rows"
done
"""
SANDBOX = """
set -eu
folder=$(mktemp -d /tmp/prediction.XXXXXX)
trap 'rm -rf "$folder"' EXIT
tar -x -C "$folder"
systemd-run --quiet --collect --wait --pipe --service-type=exec \\
    -p PrivateNetwork=yes -p PrivateMounts=yes -p TemporaryFileSystem='/run /var/lib /etc/containerd' \\
    -p RuntimeMaxSec=80 sh "$folder/probe.sh" "$folder"
"""


def test_real_daemons_do_what_is_predicted(fresh: Callable[..., list[LabNode]]) -> None:
    nodes, given = fresh(*NODES), (*samples(), *(case.files for case in (*CASES, *RELEASE_CASES)), *variants())
    with ThreadPoolExecutor() as pool:
        wrong = [line for lines in pool.map(lambda node: disagreements(node, given), nodes) for line in lines]
    assert not wrong, "\n".join(wrong)


def samples() -> tuple[FileSet, ...]:
    """Each file of the folder that CONTAINERD_FLEET_SAMPLES names, where there is one."""
    folder = os.environ.get("CONTAINERD_FLEET_SAMPLES")
    paths = sorted(Path(folder).glob("*.toml")) if folder else []
    return tuple(FileSet.of_bytes(MAIN, {MAIN: path.read_bytes()}) for path in paths)


def variants() -> tuple[FileSet, ...]:
    """Every version of a main file, with every registry table, alone and under every kind of drop-in."""
    versions = ("", "version = 2\n", "version = 3\n")
    tables = [piece(plugin) for plugin in ("plugins.cri", OLD, NEW) for piece in (mirrors, config_path, tls, auth)]
    pairs = [
        one + other for one, other in itertools.combinations(tables, 2) if one.splitlines()[0] != other.splitlines()[0]
    ]
    alone = (file_set(head + pair) for head in versions for pair in pairs[::4])
    below = ((main, dropin) for main in versions for dropin in versions)
    mixed = (
        file_set(main + IMPORTS + config_path(one), dropin + mirrors(other))
        for main, dropin in below
        for one, other in ((OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW))
    )
    return (*alone, *mixed)


def disagreements(node: LabNode, given: tuple[FileSet, ...]) -> list[str]:
    version = parse_version(node.sh("containerd --version"))
    before = node.pid
    states = observed(node, given, version)
    assert node.pid == before
    assert len(states) == len(given)
    predicted = [predict(files, version) for files in given]
    return [
        f"{version} is {state}, predicted {said.cri} ({said.reason}): {dict(files.texts)}"
        for files, state, said in zip(given, states, predicted, strict=True)
        if state != said.cri
    ]


def observed(node: LabNode, given: tuple[FileSet, ...], version: Version) -> list[str]:
    done = machine.run(node.name, SANDBOX, stdin=packed(given, version), timeout=85)
    assert done.returncode == 0, done.stderr.decode()
    chunks = done.stdout.decode().split("case ")[1:]
    rows = {int(number): parse_plugins(text) for number, _, text in (chunk.partition("\n") for chunk in chunks)}
    return [
        cri_health(rows[number], generation_of(version)).state if rows[number] else "dead" for number in sorted(rows)
    ]


def packed(given: tuple[FileSet, ...], version: Version) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        add(tar, "probe.sh", PROBE)
        for number, files in enumerate(given):
            add(tar, f"cases/{number}/socket", directories(files, version).socket)
            for path, text in files.texts.items():
                add(tar, f"cases/{number}/files/{Path(path).relative_to(FOLDER)}", text)
    return stream.getvalue()


def add(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode(errors="surrogateescape")
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
