"""The transactions of a scripted node: the states and refusals of stage, arm, swap, confirm, rollback and the rest."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, field

from tasks import wire
from tests.fakes.remote import Call, Complaint, ScriptedRemote

ENDED = ("confirmed", "rolled_back")
RESTARTED = ("restarting", "verifying", "rolling_back")
"""The states in which containerd may run on the new files, so that a rollback restarts it in any case."""


def sum_of(content: bytes | None) -> str:
    """Return what a manifest has of a file."""
    return "absent" if content is None else hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class File:
    """One line of the manifest, and the two contents."""

    kind: str
    before_sum: str
    after_sum: str
    path: str
    before: bytes | None
    after: bytes


@dataclass
class Transaction:
    """One transaction on the node."""

    run: str
    owner: str
    facts: bytes
    files: tuple[File, ...]
    state: str = "staged"
    until: int | None = None


@dataclass
class Transactions(ScriptedRemote):
    """What is below /var/lib/containerd-fleet; ``current`` is the run that changed files last."""

    files: dict[str, bytes] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    current: str = ""

    @property
    def seconds(self) -> int:
        """Return the node's clock."""
        return 1000 + len(self.calls)

    @property
    def newest(self) -> Transaction | None:
        """Return the newest transaction that was armed."""
        return self.transactions.get(self.current)

    @property
    def state(self) -> str:
        """Return the state of the only transaction, or none."""
        return next(reversed(self.transactions.values())).state if self.transactions else "none"

    def find(self, run: str) -> Transaction | None:
        """Return the transaction ``run``, which may be ``current``."""
        return self.transactions.get(self.current if run == "current" else run)

    def must_be(self, run: str, *states: str) -> Transaction:
        """Return the transaction ``run``, or complain where it is in another state."""
        found = self.transactions.get(run)
        if found is None or found.state not in states:
            state = found.state if found else "none"
            raise Complaint(f"the transaction is {state} by now: its timer, its boot or somebody else acted on it")
        return found

    def write(self, path: str, content: bytes | None) -> None:
        """Change a live file, or remove it."""
        raise NotImplementedError

    @property
    def cri_now(self) -> str:
        """Return the status of the CRI plugins."""
        raise NotImplementedError

    def fire_timer(self) -> None:
        """Do what the revert timer does."""
        assert self.newest
        self._roll_back(self.newest, "--revert")

    def do_stage(self, call: Call) -> bytes:
        run, values = call.args[0], call.values
        for other in self.transactions.values():
            if other.state not in ENDED:
                raise Complaint(
                    f"run {other.run} is at work here, or did not finish; see the commands status and finish"
                )
        files = []
        for number, line in enumerate(values["planned"].decode().splitlines(), start=1):
            kind, before, after, path = line.split("\t")
            live, new = self.files.get(path), values[f"after/{number}"]
            if sum_of(live) != before:
                raise Complaint(f"{path} was changed by somebody else after the plan; run the rollout again")
            assert sum_of(new) == after
            files.append(File(kind, before, after, path, live, new))
        owner = values["owner"].decode()
        self.transactions[run] = Transaction(run, owner, values["facts"], tuple(files))
        return b""

    def do_abandon(self, call: Call) -> bytes:
        if call.args[0] in self.transactions:
            self.must_be(call.args[0], "staged")
            del self.transactions[call.args[0]]
        return b""

    def do_arm(self, call: Call) -> bytes:
        transaction = self.must_be(call.args[0], "staged")
        transaction.state, transaction.until = "armed", self.seconds + int(call.args[1])
        self.current = transaction.run if transaction.files else self.current
        return b""

    def do_swap(self, call: Call) -> bytes:
        transaction = self.must_be(call.args[0], "armed", "swapping")
        transaction.state = "swapping"
        placed = [file for file in transaction.files if file.kind == call.args[1]]
        for file in placed:
            if sum_of(self.files.get(file.path)) != file.before_sum:
                raise Complaint(f"{file.path} was changed by somebody else while the run was at work")
            self.write(file.path, file.after)
        return wire.encode({file.path: file.after_sum.encode() for file in placed})

    def do_confirm(self, call: Call) -> bytes:
        transaction = self.must_be(call.args[0], "verifying", "confirmed")
        for file in transaction.files:
            if sum_of(self.files.get(file.path)) != file.after_sum:
                raise Complaint(f"{file.path} is no longer what the run wrote: somebody else acted on it")
        transaction.state, transaction.until = "confirmed", None
        return b""

    def do_rollback(self, call: Call) -> bytes:
        transaction = self.find(call.args[0])
        if transaction is None:
            raise Complaint("", 6)
        code, lines = self._roll_back(transaction, "".join(call.args[1:]))
        output = "".join(f"{line}\n" for line in (f"run {transaction.run}", *lines)).encode()
        if code:
            raise Complaint("", code, output)
        return output

    def _roll_back(self, transaction: Transaction, mode: str) -> tuple[int, list[str]]:
        """Return the exit code and the lines of the rollback script."""
        if mode == "--revert" and transaction.state == "confirmed":
            return 7, ["nothing to do: the run was confirmed"]
        ours = [(file, sum_of(self.files.get(file.path))) for file in transaction.files]
        foreign = [file.path for file, live in ours if live not in (file.before_sum, file.after_sum)]
        if foreign and not mode:
            lines = [f"changed {path}: no longer what the run wrote" for path in foreign]
            return 4, [*lines, "refused: nothing was touched; --force saves the live files and goes on"]
        lines = []
        for file, live in reversed(ours):
            if live != file.before_sum:
                lines.append(f"{'removed' if file.before is None else 'restored'} {file.path}")
                self.write(file.path, file.before)
        if transaction.state in RESTARTED or self.cri_now != "ok":
            lines.append("restarted containerd")
        if self.cri_now != "ok":
            transaction.state = "rolling_back"
            return 3, [*lines, "CRI: not ok: io.containerd.grpc.v1/cri is error"]
        transaction.state, transaction.until = "rolled_back", None
        return 0, [*(lines or ["nothing to do: the files are those from before the run"]), "CRI: ok"]

    def do_status(self, call: Call) -> bytes:
        unsettled = (it for it in reversed(self.transactions.values()) if it.state not in ENDED)
        transaction = self.find(call.args[1]) if call.args else next(unsettled, self.newest)
        if transaction is None:
            return b""
        owner = dict(word.split("=", 1) for word in shlex.split(transaction.owner))
        left = {} if transaction.until is None else {"reverts_in": str(transaction.until - self.seconds)}
        values = {"run": transaction.run, "state": transaction.state, **owner, **left}
        return wire.encode({key: value.encode() for key, value in values.items()})

    def do_written(self, call: Call) -> bytes:
        transaction = self.find(call.args[0])
        written = {file.path: file.after for file in transaction.files} if transaction else {}
        values = {f"written:{path}": written[path] for path in call.args[1:] if path in written}
        return wire.encode(values | {f"live:{path}": self.files[path] for path in call.args[1:] if path in self.files})
