"""The sandbox test from inside: what a second containerd is started on, with scripted mounts."""

from __future__ import annotations

from pathlib import Path

from tests.shell.node import MARKER, ScriptedNode
from tests.shell.staging import RUN, Change


def inside(node: ScriptedNode) -> Change:
    change = Change.usual(node)
    assert change.prepare().code == 0
    for process, number in (("1", 1), ("self", 2)):
        for kind in ("mnt", "net"):
            link = node.root / f"proc/{process}/ns/{kind}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(f"{kind}:[{number}]")
    (node.root / "run/systemd").mkdir(parents=True)
    (node.root / "run/containerd-fleet").mkdir()
    node.script("mount", "exit 0")
    node.script("ip", "exit 0")
    node.script("nsenter", "exit 0")
    node.script("containerd", 'echo "containerd: it would not do" >&2')
    return change


def sandbox(node: ScriptedNode, files: str) -> tuple[int, dict[str, str], list[str], str]:
    answer = node.run("sandbox", "--run", RUN, "--files", files, "--sandbox", "2", "--marker", MARKER, marker=False)
    mounts = [line.replace(str(node.root), "") for line in node.log if line.startswith("mount ")]
    return answer.code, answer.values, mounts, answer.stderr


def test_the_candidate_is_bound_over_the_live_file(node: ScriptedNode) -> None:
    change = inside(node)
    code, values, mounts, stderr = sandbox(node, "candidate")
    base = f"/var/lib/containerd-fleet/{RUN}"
    assert (code, stderr) == (0, "")
    assert mounts == [
        "mount -t tmpfs -o mode=0755,size=256m tmpfs /run/systemd",
        f"mount --bind {base}/after/3 /etc/containerd/config.toml",
        "mount --rbind /run/systemd/run /run",
    ]
    assert values["log"] == "containerd: it would not do\n"
    assert "alive" not in values
    assert change.live == change.old
    started = next(line for line in node.log if line.startswith("containerd --config"))
    assert f"--root {node.root}/run/containerd-fleet/root" in started


def test_the_live_files_are_tried_as_they_are(one_node: ScriptedNode) -> None:
    inside(one_node)
    code, _, mounts, _ = sandbox(one_node, "live")
    assert code == 0
    assert not [line for line in mounts if "/after/" in line]


def test_directories_are_hidden_and_what_is_needed_in_them_stays(node: ScriptedNode) -> None:
    inside(node)
    data = node.root / "data"
    node.write("data/needed", "x")
    (node.base / RUN / "covers").write_text(f"{data}\n/nowhere\n")
    (node.base / RUN / "needed").write_text(f"{data}/needed\n")
    code, _, mounts, stderr = sandbox(node, "live")
    assert (code, stderr) == (0, "")
    stage = f"{node.root}/run/systemd"
    assert Path(f"{stage}{data}/needed").exists()
    assert f"mount --rbind /run/systemd{data} /data".replace(str(node.root), "") in mounts


def test_a_directory_that_the_system_needs_is_not_hidden(one_node: ScriptedNode) -> None:
    inside(one_node)
    (one_node.base / RUN / "covers").write_text("/etc\n")
    code, _, _, stderr = sandbox(one_node, "live")
    assert (code, stderr) == (1, "/etc, which the configuration names, cannot be hidden\n")


def test_without_a_namespace_of_its_own_nothing_is_mounted(one_node: ScriptedNode) -> None:
    inside(one_node)
    link = one_node.root / "proc/self/ns/net"
    link.unlink()
    link.symlink_to("net:[1]")
    code, _, mounts, stderr = sandbox(one_node, "live")
    assert (code, mounts) == (1, [])
    assert stderr == "systemd makes no namespaces here: no privileges for them\n"
