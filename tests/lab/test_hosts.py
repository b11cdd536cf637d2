"""hosts.toml as the lab's real containerds read it. Every pull is one that cannot succeed, from this node itself."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from containerd.hosts import host_dir
from containerd.hosts.reading import read_hosts
from containerd.model import parse_version
from lab import machine
from tests.lab.nodes import LabNode
from tests.unit.containerd.hosts_cases import CASES, REGISTRY

NODES = ("worker-1", "worker-2", "worker-4")
PULL = """
folder=$(mktemp -d /tmp/hosts.XXXXXX)
trap 'rm -rf "$folder"; ctr namespaces rm hosts-test >/dev/null 2>&1' EXIT
tar -x -C "$folder"
ctr images pull --help | grep -q -- --local && local=--local
for case in "$folder"/*; do
    echo "case ${case##*/}"
    timeout 20 ctr --debug -n hosts-test images pull ${local:-} --hosts-dir "$case" "$image" 2>&1 | head -c 8000
done
"""


def pulled(node: LabNode, folders: Sequence[Mapping[str, str]]) -> list[str]:
    """What ctr prints for a pull by each of these folders of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for number, files in enumerate(folders):
            for path, text in files.items():
                entry = tarfile.TarInfo(f"{number:03}/{path}")
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
    done = machine.run(node.name, f"image={REGISTRY}/hosts/none:1\n{PULL}", stdin=stream.getvalue(), timeout=300)
    assert done.returncode == 0, done.stderr
    chunks = re.split(r"^case [0-9]+\n", done.stdout.decode(), flags=re.MULTILINE)[1:]
    assert len(chunks) == len(folders)
    return chunks


def asked(output: str) -> tuple[str, ...]:
    """The servers that were asked, in order, without the one that is asked in any case."""
    urls = dict.fromkeys(re.findall(r'url="?([a-z]+://\S+?)/hosts/none/', output))
    return tuple(url for url in urls if f"//{REGISTRY}/" not in f"{url}/")


@pytest.mark.usefixtures("_lab")
def test_each_file_is_read_as_is_predicted() -> None:
    with ThreadPoolExecutor() as pool:
        wrong = [line for lines in pool.map(disagreements, map(LabNode, NODES)) for line in lines]
    assert not wrong, "\n".join(wrong)


def disagreements(node: LabNode) -> list[str]:
    version = parse_version(node.sh("containerd --version"))
    path = f"{host_dir(REGISTRY)}/hosts.toml"
    outputs = pulled(node, [{path: case.text} for case in CASES.values()])
    wrong = []
    for (name, case), output in zip(CASES.items(), outputs, strict=True):
        said = "failed to decode" in output
        reading = read_hosts(case.text, f"/x/{path}", version)
        predicted = tuple(each.at for each in reading.asked if each.serves_images)
        expected = (case.one if version.major == 1 else case.two) or ()
        if (asked(output), said) != (predicted, bool(reading.ignored)) or predicted != expected:
            wrong.append(f"{version}: {name}: {asked(output)}, {said}; predicted {predicted}, {reading.ignored!r}")
    return wrong
