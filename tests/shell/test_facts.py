"""`fleet-node facts` and `status`: what they print of a node, and that they leave it as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.node import BOOT, PID, ScriptedNode


def tree(root: Path) -> dict[str, object]:
    """Every path with its content, but for what the scripted programs note."""
    paths = (path for path in sorted(root.rglob("*")) if "log" not in path.parts and path.name != "program")
    return {str(path): path.read_bytes() if path.is_file() and not path.is_symlink() else "" for path in paths}


def test_one_call_reads_the_daemon_its_configuration_and_cri_and_changes_nothing(node: ScriptedNode) -> None:
    before = tree(node.root)
    answer = node.run("facts")
    assert (answer.code, answer.reports, answer.stderr) == (0, ["begin", "end 0"], "")
    values = answer.values
    assert values["config"] == "version = 2\n"
    assert values["config_file"] == values["config_real"] == str(node.config)
    assert values["binary"] == str(node.bin / "containerd")
    assert values["ctr"] == str(node.bin / "ctr")
    assert values["socket"] == str(node.root / "run/containerd/containerd.sock")
    assert "io.containerd.grpc.v1 cri - ok" in values["plugins"]
    assert "cri" not in values
    assert values["uptime"].strip() == "1000.50"
    spaces = [line.split("\t")[0] for line in values["spaces"].splitlines()]
    places = ("var/lib/containerd-fleet", "etc/containerd", "var/lib/containerd", "run/containerd")
    assert spaces == [str(node.root / place) for place in places]
    assert tree(node.root) == before


IMPORTS = {
    "one line": ('imports = ["conf.d/a.toml"]', ["conf.d/a.toml"]),
    "several lines, comments, both quotes, a comma at the end": (
        'imports = [\n  "conf.d/a.toml", # first ] "x.toml"\n  # "y.toml",\n  \'conf.d/b.toml\',\n]',
        ["conf.d/a.toml", "conf.d/b.toml"],
    ),
    "the bracket in a line of its own, and carriage returns": (
        "imports = [\r\n\"conf.d/a.toml\"\r\n,'conf.d/b.toml'\r\n]\r\n",
        ["conf.d/a.toml", "conf.d/b.toml"],
    ),
    "any case of the key, quoted, indented": ('  "Imports"=["conf.d/b.toml"]', ["conf.d/b.toml"]),
    "a pattern takes in names that begin with a dot": (
        'imports = ["conf.d/*.toml"]',
        ["conf.d/.c.toml", "conf.d/a.toml", "conf.d/b.toml"],
    ),
    "detours": ('imports = ["./conf.d/../conf.d//a.toml"]', ["conf.d/a.toml"]),
    "a comment is no setting": ('# imports = ["conf.d/a.toml"]', []),
    "not an array": ('imports = "conf.d/a.toml"', []),
    "of what is imported, relative to it": ('imports = ["deep/first.toml"]', ["deep/first.toml", "deep/second.toml"]),
    "a circle ends": ('imports = ["circle.toml"]', ["circle.toml"]),
    "blanks in a name": ("imports = ['conf.d/with blank.tml']", ["conf.d/with blank.tml"]),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imports_are_followed_as_containerd_does(node: ScriptedNode, name: str) -> None:
    text, expected = IMPORTS[name]
    node.config.write_bytes(text.encode())
    for path in ("conf.d/a.toml", "conf.d/b.toml", "conf.d/.c.toml", "conf.d/with blank.tml", "deep/second.toml"):
        node.write(f"etc/containerd/{path}", f"# {path}\n")
    node.write("etc/containerd/deep/first.toml", 'imports = ["second.toml"]\n')
    node.write("etc/containerd/circle.toml", "imports = ['config.toml', 'circle.toml']\n")
    answer = node.run("facts")
    prefix = f"file:{node.config.parent}/"
    found = sorted(key.removeprefix(prefix) for key in answer.values if key.startswith("file:"))
    assert (found, answer.stderr) == (sorted(expected), "")


def test_imports_that_do_not_end_are_cut_off(node: ScriptedNode) -> None:
    for number in range(40):
        node.write(f"etc/containerd/{number}.toml", f'imports = ["{number + 1}.toml"]\n')
    node.config.write_text('imports = ["0.toml"]\n')
    values = node.run("facts").values
    assert values["limit"] == "depth"
    assert sum(key.startswith("file:") for key in values) == 32


def test_registries_have_their_hosts_toml_read_and_their_keys_only_named(node: ScriptedNode) -> None:
    other = node.root / "other/certs.d"
    node.config.write_text(f'[plugins."x".registry]\n  Config_path = "{other}:/nowhere" # one\n')
    node.write("other/certs.d/ghcr.io/hosts.toml", "server = 'x'\n")
    node.write("other/certs.d/ghcr.io/client.key", "a secret")
    node.write("etc/containerd/certs.d/quay.io/ca.crt", "a certificate")
    values = node.run("facts").values
    certs = node.root / "etc/containerd/certs.d/quay.io"
    assert values[f"file:{other}/ghcr.io/hosts.toml"] == "server = 'x'\n"
    assert set(values["directories"].split()) == {f"{other}/ghcr.io", str(certs)}
    assert set(values["certificates"].split()) == {f"{other}/ghcr.io/client.key", f"{certs}/ca.crt"}
    assert "secret" not in "".join(values.values())


def test_the_command_line_says_where_the_configuration_is(node: ScriptedNode) -> None:
    other = node.write("opt/c.toml", f'root = "/data"\nfile = "{node.config}"\n[a]\nroot = "/wrong"\n')
    node.write(f"proc/{PID}/cmdline", f"/usr/bin/containerd\0--config\0{other}\0--state=/s\0-a\0/x.sock\0")
    values = node.run("facts").values
    assert values["config_file"] == str(other)
    assert (values["address"], values["socket"], values["state"]) == ("/x.sock", "/x.sock", "/s")
    assert [line.split("\t")[0] for line in values["spaces"].splitlines()][2:] == ["/data", "/s"]
    assert values["present"].split() == [str(node.config)]


def test_the_socket_of_the_table_grpc_is_asked(node: ScriptedNode) -> None:
    node.config.write_text('[a]\naddress = "/a"\n[grpc]\n  address = "/g.sock"\n[b]\naddress = "/b"\n')
    assert node.run("facts").values["socket"] == "/g.sock"
    assert "ctr -a /g.sock plugins ls" in node.log


def test_cri_that_is_not_ok_is_asked_why(node: ScriptedNode) -> None:
    node.write("plugins", "io.containerd.grpc.v1 cri linux/amd64 error\n")
    assert "cri" in node.run("facts").values


def test_only_proxies_are_read_of_the_environment(node: ScriptedNode) -> None:
    node.write(f"proc/{PID}/environ", "TOKEN=t\0HTTPS_PROXY=http://u:p@proxy:1\0no_proxy=a,b\0MY_HTTP_PROXY=n\0")
    assert node.run("facts").values["proxies"] == "HTTPS_PROXY=http://u:p@proxy:1\nno_proxy=a,b\n"


def test_units_bound_to_containerd_are_named_with_their_state(node: ScriptedNode) -> None:
    node.write("bound", "RequiredBy=\nBoundBy=docker.service\nConsistsOf=docker.service agent.service\n")
    assert node.run("facts").values["bound"].split() == [
        *("Id=agent.service", "ActiveState=active", "Id=docker.service", "ActiveState=active")
    ]


def test_files_are_read_in_the_mount_namespace_of_the_daemon(node: ScriptedNode) -> None:
    namespace = node.root / f"proc/{PID}/ns/mnt"
    namespace.unlink()
    namespace.symlink_to("mnt:[2]")
    # What has another file there, as a bind mount does, and what has the same.
    node.write("inside.toml", "version = 3\n")
    node.script(
        "nsenter",
        f'shift 4; mv {node.config} {node.config}.out; cp $ROOT/inside.toml {node.config}\n"$@"\n'
        f"code=$?; mv -f {node.config}.out {node.config}; exit $code",
    )
    values = node.run("facts").values
    assert (values["namespace"], values["config"]) == ("own", "version = 3\n")
    assert values["elsewhere"].split() == [str(node.config)]
    assert node.config.read_text() == "version = 2\n"


def test_a_mount_namespace_that_cannot_be_entered_is_told(node: ScriptedNode) -> None:
    (node.root / f"proc/{PID}/ns/mnt").unlink()
    (node.root / f"proc/{PID}/ns/mnt").symlink_to("mnt:[2]")
    node.script("nsenter", "exit 1")
    values = node.run("facts").values
    assert values["namespace"] == "own, and nsenter cannot read in it"
    assert "config" not in values


def test_what_the_scan_cannot_know_is_asked_for_by_name(node: ScriptedNode) -> None:
    node.write("x/a.toml", "a")
    node.write("r/ghcr.io/hosts.toml", "h")
    root = node.root
    options = ("--read", f"{root}/x/*.toml", "--root", f"{root}/r", "--present", f"{root}/x", "--present", "/no")
    values = node.run("facts", *options, "--space", "/").values
    assert values[f"file:{root}/x/a.toml"] == "a"
    assert values[f"file:{root}/r/ghcr.io/hosts.toml"] == "h"
    assert (values["present"], values["absent"]) == (f"{root}/x\n", "/no\n")
    assert values["spaces"].startswith("/\t")
    assert "config" not in values


def test_a_file_whose_name_would_break_the_answer_is_told_apart(node: ScriptedNode) -> None:
    node.write("etc/containerd/conf.d/a\nb.toml", "x")
    node.config.write_text("imports = ['conf.d/*.toml']\n")
    values = node.run("facts").values
    assert values["odd_path"] == str(node.root / "etc/containerd/conf.d/a\nb.toml")
    assert not [key for key in values if key.startswith("file:")]


WRONG = {
    "no subcommand": ((), "'' is not a subcommand; they are: facts"),
    "an unknown one": (("fact",), "'fact' is not a subcommand"),
    "an unknown option": (("facts", "--run", "1"), "facts has no option '--run'"),
    "no value": (("status", "--run"), "no option '--run', or it needs a value"),
    "a value of two lines": (("facts", "--read", "a\nb"), "the value of --read has a control character"),
    "a run that is a path": (("status", "--run", "../x"), "'../x' is not the name of a run"),
    "a marker of other characters": (("status", "--marker", "xy"), "a marker is of hexadecimal digits"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_says_what_is_wrong(node: ScriptedNode, name: str) -> None:
    words, reason = WRONG[name]
    answer = node.run(*words, marker=False)
    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("fleet-node: ")
    assert reason in answer.stderr


def transaction(node: ScriptedNode, run: str, state: str | None) -> Path:
    directory = node.base / run
    directory.mkdir(parents=True)
    (directory / "owner").write_text("owner='ann@there'\nsince=2026\n")
    if state is not None:
        (directory / "state").write_text(f"{state}\n")
        (directory / "rollback").write_text("exit 0\n")
    return directory


def test_status_names_the_transaction_that_did_not_end(node: ScriptedNode) -> None:
    armed = transaction(node, "20260101T000000Z-0001", "armed")
    (armed / "armed").write_text(f"{BOOT} 1060\n")
    transaction(node, "20260102T000000Z-0002", "confirmed")
    (node.base / "current").symlink_to("20260102T000000Z-0002")
    assert node.run("status").values == {
        "run": "20260101T000000Z-0001",
        "state": "armed\n",
        "owner": "ann@there",
        "since": "2026",
        "format": "1\n",
        "reverts_in": "60",
    }
    assert node.run("status", "--run", "current").values["run"] == "20260102T000000Z-0002"
    assert node.run("status", "--run", "20260103T000000Z-0003").values == {}


def test_half_of_a_staged_transaction_counts_as_staged(node: ScriptedNode) -> None:
    transaction(node, "20260101T000000Z-0001.staging", None)
    values = node.run("status").values
    assert (values["run"], values["state"]) == ("20260101T000000Z-0001", "staged\n")


def test_status_of_a_node_that_was_never_touched_is_empty(node: ScriptedNode) -> None:
    answer = node.run("status")
    assert (answer.code, answer.values, answer.reports) == (0, {}, ["begin", "end 0"])
