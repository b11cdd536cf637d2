"""What comes between a program and its answer, on OpenSSH's own sshd: sudo, banners, MaxSessions, and a cut-off."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from nornir.core.inventory import ConnectionOptions, Host

from fleet.channel import SESSION_PAUSE_SECONDS
from fleet.connection import CONNECTION, client_of
from fleet.errors import CommandTimeout, NotStarted, SudoRefused
from fleet.remote import ShellScript
from fleet.ssh import SshRemote
from tests.ssh import servers
from tests.ssh.conftest import USER
from tests.ssh.servers import LOOPBACK, Keys

Login = Callable[..., SshRemote]
PROGRAM = ShellScript(
    "fleet-node",
    """\
subcommand=$1 marker=$3
shift 3
printf '@%s begin\\n' "$marker"
case $subcommand in
    echo) printf '%s\\n' "$@"; cat ;;
    complain) echo "sudo: this is a line of a program's own" >&2; printf '@%s end 1\\n' "$marker"; exit 1 ;;
    ps) ps -o args= -p $$,$PPID; tr '\\0' ' ' </proc/$$/cmdline ;;
    die) kill -KILL $$ ;;
    sleep) sleep 60 ;;
    steps)
        head -c 100000 /dev/zero | tr '\\0' x
        for step; do
            IFS= read -r line || line="end of input"
            [ "$line" = "go $step" ] || { printf '%s: %s\\n' "$step" "$line" >&2; exit 9; }
            printf 'value of %s\\n@%s done %s\\n' "$step" "$marker" "$step"
        done
        ;;
esac
printf '@%s end 0\\n' "$marker"
""",
)
SCRIPT = ShellScript("script", 'printf "%s\\n" "$@"; cat; exit "$1"')


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    if servers.SSHD is None:
        pytest.skip("no sshd on this machine: install openssh-server")
    return Keys.make(tmp_path_factory.mktemp("transport"))


@pytest.fixture
def login(keys: Keys) -> Iterator[Login]:
    """Log in at an sshd of its own with these settings; with ``sudo`` as a user who runs programs through that one."""
    with ExitStack() as stack:

        def log_in(*settings: str, sudo: str = "") -> SshRemote:
            path = f"{_folder(keys, sudo)}:" if sudo else ""
            port = stack.enter_context(servers.sshd(keys, f"SetEnv PATH={path}{os.environ['PATH']}", *settings))
            known_hosts = keys.directory / f"known_hosts-{port}"
            known_hosts.write_text(f"[{LOOPBACK}]:{port} {keys.host_key}\n")
            extras = {"key_file": str(keys.directory / "key"), "known_hosts": str(known_hosts)}
            options = {CONNECTION: ConnectionOptions(platform="linux", extras=extras)}
            host = Host("node", hostname=LOOPBACK, port=port, username=USER, connection_options=options)
            remote = SshRemote(host)
            remote.connect()
            stack.callback(host.close_connections)
            host.username = "operator" if sudo else "root"
            return remote

        yield log_in


def _folder(keys: Keys, sudo: str) -> Path:
    folder = keys.directory / f"bin-{abs(hash(sudo))}"
    folder.mkdir(exist_ok=True)
    (folder / "sudo").write_text(f"#!/bin/sh\n{sudo}\n")
    (folder / "sudo").chmod(0o755)
    return folder


BANNERS = {
    "none": "",
    "a line": "echo Welcome",
    "one that looks like an answer": "printf '=YQ== name\\n=\\n'",
    "one that looks like a marker": "echo '@0123456789abcdef0123456789abcdef begin'",
    "no newline at its end": "printf 'Last login: =today '",
    "on stderr, in sudo's words": "echo 'sudo: unable to resolve host node: Name or service not known' >&2",
    "many lines": "seq 20000",
}


@pytest.mark.parametrize("banner", BANNERS.values(), ids=list(BANNERS))
def test_a_banner_is_no_part_of_an_answer(login: Login, banner: str) -> None:
    remote = login(f'ForceCommand {banner or ":"}; eval "$SSH_ORIGINAL_COMMAND"; echo Good bye')
    done = remote.call(PROGRAM, "echo", ("--file", "a b"), stdin=b"=c\n")
    assert (done.exit_code, done.stdout) == (0, b"--file\na b\n=c\n")
    done = remote.run(SCRIPT, "3", "x y", stdin=b"data")
    assert (done.exit_code, done.stdout) == (3, b"3\nx y\ndata")


def test_a_program_and_its_input_of_megabytes(login: Login) -> None:
    """Longer than any pipe or window on the way."""
    program = ShellScript("long", "# a line of a program\n" * 20_000 + PROGRAM.text)
    data = os.urandom(3 << 20)
    assert login().call(program, "echo", ("begin",), stdin=data).stdout == b"begin\n" + data


def test_ps_shows_a_short_command_line(login: Login) -> None:
    long = ShellScript("fleet-node", "# a secret of a program\n" * 1000 + PROGRAM.text)
    shown = login().call(long, "ps").stdout.decode()
    assert "containerd-fleet-ps" in shown
    assert "secret" not in shown
    assert all(len(line) < 500 for line in shown.splitlines())


REFUSALS = {
    "a password": ("echo 'sudo: a password is required' >&2; exit 1", "a password is required"),
    "not in sudoers": ("echo 'operator is not allowed to run sudo on node.' >&2; exit 1", "not allowed"),
    "sudo-rs": ("echo 'sudo: interactive authentication is required' >&2; exit 1", "interactive authentication"),
    "silently": ("exit 1", "exit code 1"),
    "a broken policy": ("echo 'sudo: /etc/sudoers is world writable' >&2; exit 127", "world writable"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_sudo_that_begins_nothing_is_refused(login: Login, case: str) -> None:
    sudo, words = REFUSALS[case]
    with pytest.raises(SudoRefused, match=f"sudo -n is refused for operator .*{words}"):
        login(sudo=sudo).call(PROGRAM, "echo")


def test_a_program_that_fails_in_sudos_words_is_not_sudo(login: Login) -> None:
    remote = login(sudo='echo "sudo: unable to resolve host node" >&2; shift; exec "$@"')
    done = remote.call(PROGRAM, "complain")
    assert (done.exit_code, done.complaint) == (1, "sudo: this is a line of a program's own")
    assert remote.run(SCRIPT, "1").exit_code == 1


@pytest.mark.parametrize("answer", ["exit 1", "echo This account is currently not available.; exit 1", "exit 0"])
def test_a_login_that_runs_nothing_is_said(login: Login, answer: str) -> None:
    with pytest.raises(NotStarted, match="no program starts there"):
        login(f"ForceCommand {answer}").call(PROGRAM, "echo")


def test_a_program_that_is_killed_is_no_success(login: Login) -> None:
    done = login().call(PROGRAM, "die")
    assert done.exit_code not in (0, 124)


def test_a_program_that_takes_too_long_is_stopped_on_the_machine(login: Login) -> None:
    remote = login()
    with pytest.raises(CommandTimeout, match="sleep took longer than 1 s and was stopped"):
        remote.call(PROGRAM, "sleep", timeout=1)
    assert b"sleep 60" not in remote.run(ShellScript("ps", "ps ax -o args | grep '^sleep 60$' || true")).stdout


def test_a_session_that_is_refused_is_tried_once_more(login: Login) -> None:
    remote = login("MaxSessions 1")
    transport = client_of(remote.host).get_transport()
    assert transport is not None
    other = transport.open_session()
    other.exec_command("cat")
    threading.Timer(SESSION_PAUSE_SECONDS / 2, other.close).start()
    assert remote.call(PROGRAM, "echo", ("x",)).stdout == b"x\n"


def test_sessions_that_stay_refused_are_said(login: Login) -> None:
    with pytest.raises(NotStarted, match="MaxSessions"):
        login("MaxSessions 0").call(PROGRAM, "echo")


def test_a_program_is_answered_report_by_report(login: Login) -> None:
    """Each line is sent once the one before it was done, and reports are no part of the answer."""
    reports: list[str] = []
    go = {"begin": b"go one\n", "done one": b"go two\n", "done two": None}

    def reply(report: str) -> bytes | None:
        reports.append(report)
        return go.get(report)

    done = login().call(PROGRAM, "steps", ("one", "two"), reply=reply)
    assert reports == ["begin", "done one", "done two", "end 0"]
    assert (done.exit_code, done.stdout) == (0, b"x" * 100_000 + b"value of one\nvalue of two\n")


class NotWritten(Exception):
    """The journal is full."""


@pytest.mark.parametrize("failing", ["begin", "done one"])
def test_a_reply_that_fails_begins_no_further_step(login: Login, failing: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    text = PROGRAM.text.replace("printf 'value", f'echo "$step" >>{marks}; printf \'value').replace(
        ">&2; exit", f">>{marks}; exit"
    )
    marks.touch()

    def reply(report: str) -> bytes | None:
        if report == failing:
            raise NotWritten
        return b"go one\n"

    with pytest.raises(NotWritten):
        login().call(ShellScript("fleet-node", text), "steps", ("one", "two"), reply=reply)
    expected = ["one: end of input"] if failing == "begin" else ["one", "two: end of input"]
    deadline = time.monotonic() + 10
    while marks.read_text().splitlines() != expected:
        assert time.monotonic() < deadline, marks.read_text()
        time.sleep(0.05)


def test_a_program_that_waits_for_a_reply_that_never_comes_is_stopped(login: Login) -> None:
    with pytest.raises(CommandTimeout):
        login().call(PROGRAM, "steps", ("one",), reply=lambda _: b"", timeout=1)
