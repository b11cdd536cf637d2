"""One exec channel of an SSH connection: bytes in and out, a real exit code, and one deadline for all of it."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import paramiko

from fleet.descriptors import exhausted
from fleet.errors import AnswerTooLong, CommandTimeout, ConnectionLost, Interrupted, NotStarted
from fleet.remote import Completed
from fleet.watchdog import LOOK_UP_SECONDS, Watchdog

OPEN_SECONDS = 15.0
"""For opening a channel, and for the answer to a request on it."""
SESSION_PAUSE_SECONDS = 1.0
"""sshd frees the place of a session a little after the session has ended."""
CHUNK = 32768
ANSWER_BYTES = 16 << 20
"""What a script may print: the facts of a node."""
STDERR_BYTES = 64 << 10
"""How much of the end of its messages is kept."""
INTERRUPTED = "interrupted by the operator"


@dataclass(frozen=True)
class Request:
    """A command line that errors call ``name``; it reads ``stdin``, and ends within ``seconds``.

    With ``replies`` its input stays open: they are given all that it has printed so far, whenever there is more, and
    return what it is to read next, or ``None`` where that was all.
    """

    name: str
    command: str
    stdin: bytes
    seconds: float
    replies: Callable[[bytearray], bytes | None] | None = None


def execute(client: paramiko.SSHClient, request: Request, cancelled: Callable[[], bool]) -> Completed:
    """Run ``request``, with one deadline from the opening of its channel to its exit code.

    Raises ``NotStarted`` where sshd refuses it a session, ``ConnectionLost``, ``CommandTimeout``, ``AnswerTooLong``,
    and ``Interrupted`` once ``cancelled`` says so.
    """
    deadline = time.monotonic() + request.seconds
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise ConnectionLost("the connection is gone")
    # An sshd that does not answer a request is of no more use: the whole connection is cut.
    with Watchdog(transport.close, deadline, cancelled) as watchdog:
        try:
            with closing(_session(transport, min(request.seconds, OPEN_SECONDS))) as channel:
                _start(channel, request.command)
                return _pump(channel, _Answer(request.name), _Input(channel, request), deadline, cancelled)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if watchdog.cancelled:
                raise Interrupted(INTERRUPTED) from error
            if watchdog.bitten:
                why = f"{request.name}: sshd there did not answer within {request.seconds:.0f} s"
                raise CommandTimeout(why) from error
            why = exhausted(error) or f"the connection broke: {error or type(error).__name__}"
            raise ConnectionLost(why) from error


def _session(transport: paramiko.Transport, seconds: float) -> paramiko.Channel:
    """Open a channel, or once more where sshd refuses it: nothing has begun. Raises ``NotStarted``."""
    try:
        return transport.open_session(timeout=seconds)
    except paramiko.ChannelException:
        time.sleep(SESSION_PAUSE_SECONDS)
    try:
        return transport.open_session(timeout=seconds)
    except paramiko.ChannelException as error:
        raise NotStarted(
            f"sshd there refuses a session ({error.text}), twice; other sessions of this connection may be at "
            "MaxSessions of its sshd_config"
        ) from error


def _start(channel: paramiko.Channel, command: str) -> None:
    """Have sshd start ``command``. Raises ``ConnectionLost`` where it does not even answer that."""
    with Watchdog(channel.get_transport().close, time.monotonic() + OPEN_SECONDS) as watchdog:
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if watchdog.bitten:
                raise ConnectionLost(f"sshd there did not answer a request within {OPEN_SECONDS:.0f} s") from error
            raise


def _pump(
    channel: paramiko.Channel, answer: _Answer, source: _Input, deadline: float, cancelled: Callable[[], bool]
) -> Completed:
    """Move stdin, stdout and stderr together; paramiko's own readers can deadlock (paramiko #1778, #2685)."""
    channel.setblocking(0)
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while not answer.drain(channel):
            source.send(answer.stdout)
            if cancelled():
                raise Interrupted(INTERRUPTED)
            _check_deadline(channel, answer.script, deadline)
            selector.select(0.001 if source.pending else min(LOOK_UP_SECONDS, max(0.0, deadline - time.monotonic())))
    # What came together with the end.
    source.hear(answer.stdout)
    return answer.completed(_exit_code(channel, answer.script, deadline))


class _Input:
    """What a request reads: its stdin, then what its replies are to what it prints."""

    def __init__(self, channel: paramiko.Channel, request: Request) -> None:
        self.pending = memoryview(request.stdin)
        self._channel = channel
        self._replies = request.replies
        self._grows = request.replies is not None
        self._open = True

    def hear(self, stdout: bytearray) -> None:
        """Have the replies look at all that was printed so far, also once nothing can follow any more."""
        if self._replies is not None:
            reply = self._replies(stdout)
            self._grows = self._grows and reply is not None
            if self._grows and reply:
                self.pending = memoryview(bytes(self.pending) + reply)

    def send(self, stdout: bytearray) -> None:
        """Send what can be sent now, and close the input once nothing can follow."""
        self.hear(stdout)
        if self.pending and self._channel.send_ready():
            self.pending = self.pending[self._channel.send(bytes(self.pending[:CHUNK])) :]
        if self._open and not self.pending and not self._grows:
            self._channel.shutdown_write()
            self._open = False


class _Answer:
    """What ``script`` has printed so far: all of stdout within the limit, the end of stderr."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.stdout = bytearray()
        self._stderr = bytearray()
        self._complained = 0

    def drain(self, channel: paramiko.Channel) -> bool:
        """Take what has arrived; return whether that was the end of it. Raises ``AnswerTooLong``."""
        ended = bool(channel.eof_received or channel.closed)
        while channel.recv_ready():
            self.stdout.extend(channel.recv(CHUNK))
            self._check(len(self.stdout))
        while channel.recv_stderr_ready():
            part = channel.recv_stderr(CHUNK)
            self._complained += len(part)
            self._check(self._complained)
            self._stderr.extend(part)
            del self._stderr[:-STDERR_BYTES]
        return ended

    def completed(self, exit_code: int) -> Completed:
        """Return it as the answer of a script that ended with ``exit_code``."""
        return Completed(exit_code, bytes(self.stdout), bytes(self._stderr))

    def _check(self, size: int) -> None:
        if size > ANSWER_BYTES:
            raise AnswerTooLong(
                f"{self.script}: the answer is longer than {ANSWER_BYTES >> 20} MB, and was cut off; see what prints "
                "so much there: a shell's login files, sshd's ForceCommand, or a huge configuration"
            )


def _check_deadline(channel: paramiko.Channel, script: str, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise CommandTimeout(f"{script}: the answer was not complete within its deadline")
    if not channel.get_transport().is_active():
        raise ConnectionLost("the connection broke while a command was running")


def _exit_code(channel: paramiko.Channel, script: str, deadline: float) -> int:
    channel.status_event.wait(max(0.1, deadline - time.monotonic()))
    if not channel.exit_status_ready():
        raise CommandTimeout(f"{script}: its exit code did not come within its deadline")
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise ConnectionLost("the connection broke while a command was running")
    return int(channel.exit_status)
