"""The watch that go-toml 2 keeps over what is defined twice: its tracker, seen.go."""

from __future__ import annotations

from dataclasses import dataclass, field

Keys = tuple[str, ...]


@dataclass
class _Entry:
    """What is known of a key: whether it is a value, a table or an array of tables, and how it came to be."""

    kind: str
    explicit: bool = False
    by_key: bool = False
    below: dict[str, _Entry] = field(default_factory=dict)


class Seen:
    """The keys of a file, or of one inline table, so far. Two spellings of a key are two keys here."""

    def __init__(self) -> None:
        self.root = self.now = _Entry("table")

    def table(self, keys: Keys, kind: str) -> str | None:
        """Take in the header of a `table` or of one of several `tables`; say why it may not be here."""
        self._make_explicit()
        entry = self.root
        for key in keys[:-1]:
            entry = entry.below.setdefault(key, _Entry("table"))
            if entry.kind == "value":
                return "a table is below a value"
        last = entry.below.setdefault(keys[-1], _Entry(kind))
        if last.kind != kind or (last.explicit and kind == "table"):
            return "a table already exists"
        last.explicit = True
        if kind == "tables":
            last.below = {}
        self.now = last
        return None

    def pair(self, keys: Keys) -> str | None:
        """Take in a key of the table that is open; say why it may not be here."""
        entry = self.now
        for depth, key in enumerate(keys, 1):
            found = entry.below.get(key)
            if found is not None and (depth == len(keys) or found.kind != "table" or found.explicit):
                return "a key is defined twice"
            entry = found or entry.below.setdefault(key, _Entry("table", by_key=True))
        entry.kind = "value"
        return None

    def _make_explicit(self) -> None:
        """Close what dotted keys made of tables: the next [table] begins."""
        pending = [self.now]
        while pending:
            for child in pending.pop().below.values():
                child.explicit, child.by_key = child.explicit or child.by_key, False
                pending.append(child)
