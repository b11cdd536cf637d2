"""hosts.toml as the lab's real containerds read it. Every pull is one that cannot succeed, from this node itself."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from containerd.hosts import HostsToml, host_dir, read_hosts
from containerd.hosts.hosts_toml import Tls
from containerd.model import parse_version
from lab import machine
from templates import render_hosts_toml
from tests.lab.nodes import LabNode
from tests.unit.containerd.hosts_cases import BOTH, CACHE, CASES, HEAD, REGISTRY, host

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


KEYS = """
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hosts-test -keyout "$1/key" -out "$1/crt" 2>/dev/null
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Certificates by the names of their files: two authorities, a pair, and one with its key in the same file."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(["/bin/sh", "-c", KEYS, "sh", str(folder)], check=True)
    certificate, key = (folder / "crt").read_text(), (folder / "key").read_text()
    return {
        "a.crt": certificate,
        "b.crt": certificate,
        "c.cert": certificate,
        "c.key": key,
        "d.cert": certificate + key,
    }


BESIDE = {
    "an authority": Tls(ca=("a.crt",)),
    "two": Tls(ca=("a.crt", "b.crt")),
    "a pair": Tls(client=(("c.cert", "c.key"),)),
    "a key in the same file": Tls(client=(("d.cert", "d.cert"),)),
    "all": Tls(ca=("a.crt", "b.crt"), client=(("c.cert", "c.key"), ("d.cert", "d.cert"))),
}


@pytest.mark.usefixtures("_lab")
@pytest.mark.parametrize("node", NODES)
def test_certificates_are_read_beside_nothing_and_named_in_a_file_alike(
    node: str, certificates: Mapping[str, str]
) -> None:
    home, folders = host_dir(REGISTRY), []
    for tls in BESIDE.values():
        names = {*tls.ca, *(name for pair in tls.client for name in pair)}
        files = {f"{home}/{name}": certificates[name] for name in names}
        text = render_hosts_toml(HostsToml(f"https://{REGISTRY}", (), tls))
        spoiled = {path: "" if path.endswith(("crt", "key", "d.cert")) else text for path, text in files.items()}
        folders += [files, {**files, f"{home}/hosts.toml": text}, spoiled, {**spoiled, f"{home}/hosts.toml": text}]
    outputs = [FAILS.findall(output) for output in pulled(LabNode(node), folders)]
    for name, (beside, named, *broken) in zip(BESIDE, zip(*[iter(outputs)] * 4, strict=True), strict=True):
        assert (beside, named) == ([], []), f"{name}: {beside} {named}"
        # Both forms read the file: both fail over one with nothing in it.
        assert all(broken), f"{name}: {broken}"


FAILS = re.compile(r"unable to (?:load|read)[^\n]*|failed to (?:decode|load)[^\n]*|no such file[^\n]*")
MISSING = {
    "an authority of the server": f'{HEAD}ca = "/nowhere"\n[host]\n',
    "an authority of a host that speaks http": HEAD + host(CACHE, f'{BOTH}ca = "/nowhere"\n'),
    "a client's certificate": HEAD + host(CACHE, f'{BOTH}client = [["/nowhere", "/nowhere"]]\n'),
}


@pytest.mark.usefixtures("_lab")
@pytest.mark.parametrize("node", NODES)
def test_a_file_that_is_named_and_missing_fails_every_pull(node: str) -> None:
    path = f"{host_dir(REGISTRY)}/hosts.toml"
    outputs = pulled(LabNode(node), [{path: text} for text in MISSING.values()])
    for name, output in zip(MISSING, outputs, strict=True):
        assert "open /nowhere: no such file or directory" in output, f"{name}: {output}"
        assert asked(output) == (), name


PLAIN, COLON = host_dir(REGISTRY), REGISTRY
DIRECTORIES: dict[str, tuple[dict[str, str | bool], bool]] = {
    "host_port_ before host:port": ({f"{PLAIN}/a.crt": True, f"{COLON}/a.crt": False}, True),
    "host_port_ before host:port, though only that has a file": (
        {f"{PLAIN}/a.crt": True, f"{COLON}/hosts.toml": 'ca = "/nowhere"\n[host]\n'},
        True,
    ),
    "host:port before _default": ({f"{COLON}/a.crt": True, "_default/a.crt": False}, True),
    "_default": ({"_default/a.crt": False}, False),
    "what _default says of every registry's own server": ({"_default/hosts.toml": 'ca = "/nowhere"\n[host]\n'}, False),
    "beside a file that counts": ({f"{PLAIN}/a.crt": False, f"{PLAIN}/hosts.toml": "# nothing\n[host]\n"}, True),
    "beside an empty one": ({f"{PLAIN}/a.crt": False, f"{PLAIN}/hosts.toml": ""}, False),
    "beside one that is ignored": ({f"{PLAIN}/a.crt": False, f"{PLAIN}/hosts.toml": "[["}, False),
}


@pytest.mark.usefixtures("_lab")
@pytest.mark.parametrize("node", NODES)
def test_which_directory_is_read(node: str, certificates: Mapping[str, str]) -> None:
    """True stands for a certificate, False for an empty file in its place, over which a pull fails."""
    content = {True: certificates["a.crt"], False: ""}
    folders = [
        {path: content[it] if isinstance(it, bool) else it for path, it in files.items()}
        for files, _ in DIRECTORIES.values()
    ]
    for (name, (_, works)), output in zip(DIRECTORIES.items(), pulled(LabNode(node), folders), strict=True):
        failures = [line for line in FAILS.findall(output) if "decode" not in line]
        assert bool(failures) is not works, f"{name}: {output}"


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
