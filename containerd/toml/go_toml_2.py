"""What go-toml 2 reads, the parser of containerd 2.x: its grammar, and its watch over what is defined twice.

Up to 2.3 of containerd (go-toml 2.0 to 2.3) numbers and dates under keys that nobody knows are not looked at, nor what
is twice in such a table. Newer releases (go-toml 2.4) look at the form of everything, and read TOML 1.1. A distribution
may build an older containerd with the newer library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from containerd.toml.go_toml_seen import Keys, Seen
from containerd.toml.go_toml_values import MOMENT, NotRead, has_form, is_moment, number_of

_BLANKS = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"(?:#[^\n]*)?")
_LINE_END = re.compile(r"\r?\n")
_GAP = re.compile(r"(?:[ \t]|\r?\n|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_LITERAL = re.compile(r"'([^'\r\n]*)'")
_LONG = {
    '"': re.compile(r'"""(?:\r?\n)?((?:[^"\\]|\\.|"(?!""))*)"""("{0,2})(?!")', re.DOTALL),
    "'": re.compile(r"'''(?:\r?\n)?((?:[^']|'(?!''))*)'''('{0,2})(?!')", re.DOTALL),
}
_ESCAPE = re.compile(
    r"\\(?:([ \t]*\r?\n[ \t\r\n]*)|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.?))", re.DOTALL
)
_ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b"}
_WORD = re.compile(r"true|false")
_MOMENT = re.compile(r"(?=\d\d:|\d{4}-)[0-9:.TtZz+-]+(?: \d[0-9:.Zz+-]*)?")
_ZERO = re.compile(r"0(?=[^.eE][\s\S])(?:x[0-9a-fA-F_]*|o[0-7_]*|b[01_]*)?")
_NUMBER = re.compile(r"(?:inf|nan)|[0-9+\-_.eE]+(?:inf|nan)?|[+-](?:inf|nan)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]|\r(?!\n)")


@dataclass(frozen=True)
class Unfit:
    """A number or a date that is none: the daemon ends over it where it decodes it."""

    error: NotRead


class Inline(dict[str, Any]):
    """A table in braces."""


class Escaped(str):
    """A key that is spelled with escapes."""

    __slots__ = ()


def read_go_toml_2(
    text: str, knows: Callable[[Keys], bool] | None, named: Callable[[Keys], Keys] = lambda keys: keys
) -> dict[str, Any]:
    """Read a file as containerd 2.x does: `knows` says whether it has a place for a table, None reads as go-toml 2.4.

    `named` gives keys the daemon's own names, so that the last of two spellings in the file counts; without it the tree
    has them as they are written.
    Numbers and dates that are none come as Unfit. What is in tables without a place is left out. Raises NotRead.
    """
    return _Reader(text, knows, named).tree


class _Reader:
    """The tree of a text."""

    def __init__(self, text: str, knows: Callable[[Keys], bool] | None, named: Callable[[Keys], Keys]) -> None:
        self.text = text
        self.at = 0
        self.knows = knows
        self.named = named
        self.tree: dict[str, Any] = {}
        self.seen = Seen()
        self.table: dict[str, Any] | None = self.tree
        self.path: Keys = ()
        if wrong := _CONTROL.search(text):
            raise NotRead("a character that TOML has not", text, wrong.start())
        while self.at < len(text):
            self._expression()
            if self.at < len(text) and not self._take(_LINE_END):
                raise self._fail("expected newline")

    def _fail(self, message: str) -> NotRead:
        return NotRead(message, self.text, self.at)

    def _check(self, wrong: str | None, begin: int) -> None:
        if wrong is not None:
            raise NotRead(wrong, self.text, begin)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def _next(self, mark: str) -> bool:
        """Whether a mark is next, which is taken, with the blanks around it."""
        self._take(_BLANKS)
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _expect(self, mark: str) -> None:
        if not self._next(mark):
            raise self._fail(f"expected {mark}")

    def _expression(self) -> None:
        self._take(_BLANKS)
        char = self.text[self.at : self.at + 1]
        if char == "[":
            self._header()
        elif char and char not in "#\r\n":
            self._pair_of_table()
        self._take(_BLANKS)
        self._take(_COMMENT)

    def _header(self) -> None:
        begin, many = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self._key()
        self._expect("]")
        if many and not self.text.startswith("]", self.at):
            raise self._fail("expected ]")
        self.at += many
        self._check(self.seen.table(keys, "tables" if many else "table"), begin)
        self.path = keys
        known = self._knows((), keys, begin)
        self.table = self._opened(self.named(keys), begin, many=many) if known else None

    def _pair_of_table(self) -> None:
        begin, (keys, value) = self.at, self._pair()
        if self.table is not None:
            self._knows(self.path, keys, begin)
            self._check(self.seen.pair(keys), begin)
            own = self.named((*self.path, *keys))[len(self.path) :]
            existing = self.table.get(own[0]) if len(own) == 1 and not self.path else None
            if isinstance(value, Inline) and isinstance(existing, dict):
                existing.update(value)
            else:
                _put(self.table, own, value)

    def _opened(self, keys: Keys, begin: int, *, many: bool) -> dict[str, Any]:
        """The table that a header opens."""
        tree = self.tree
        for key in keys[:-1] if many else keys:
            tree = self._below(tree, key, begin)
        if not many:
            return tree
        array = tree.setdefault(keys[-1], [])
        if not isinstance(array, list):
            raise NotRead("an array of tables has the name of a value", self.text, begin)
        array.append({})
        return array[-1]  # type: ignore[no-any-return]

    def _below(self, tree: dict[str, Any], key: str, begin: int) -> dict[str, Any]:
        """The table under a key, made when there is none; in another spelling a value may be there."""
        child = tree.setdefault(key, {})
        if isinstance(child, list) and child:
            child = child[-1]
        if not isinstance(child, dict):
            raise NotRead("a table is below a value", self.text, begin)
        return child

    def _knows(self, table: Keys, keys: Keys, begin: int) -> bool:
        """Whether the daemon has a place for what is written. Up to go-toml 2.2 it looks in the text for what has none.

        It does not find a key there that is spelled with escapes. Seen with the library of 2.0.6, read in its source.
        """
        known = self.knows is None or self.knows((*table, *keys))
        if not known and any(isinstance(key, Escaped) for key in keys):
            raise NotRead("go-toml 2 panics over an unknown key that is spelled with escapes,", self.text, begin)
        return known

    def _pair(self) -> tuple[Keys, Any]:
        keys = self._key()
        self._expect("=")
        self._take(_BLANKS)
        return keys, self._value()

    def _key(self) -> Keys:
        keys = [self._simple_key()]
        while self._next("."):
            keys.append(self._simple_key())
        return tuple(keys)

    def _simple_key(self) -> str:
        self._take(_BLANKS)
        if found := self._take(_BARE):
            return found[0]
        if found := self._take(_LITERAL):
            return found[1]
        if found := self._take(_BASIC):
            key = self._unescaped(found[1], found.start(1))
            return Escaped(key) if "\\" in found[1] else key
        raise self._fail("invalid character at start of key")

    def _value(self) -> Any:
        char = self.text[self.at : self.at + 1]
        if char == "[":
            return self._array()
        if char == "{":
            return self._inline()
        if char and char in "\"'":
            return self._string(char)
        if found := self._take(_WORD):
            return found[0] == "true"
        begin = self.at
        if found := self._take(_MOMENT):
            is_one = is_moment(found[0], seconds=self.knows is not None, last_second=59 if self.knows is None else 60)
            value: Any = MOMENT if is_one else None
        elif found := self._take(_ZERO) or self._take(_NUMBER):
            value = number_of(found[0])
        else:
            raise self._fail("no value can start like this")
        if value is not None:
            return value
        unfit = Unfit(NotRead("no such number, date or time", self.text, begin))
        if self.knows is None and not has_form(found[0]):
            raise unfit.error
        return unfit

    def _string(self, quote: str) -> str:
        long = self.text.startswith(quote * 3, self.at)
        found = self._take(_LONG[quote] if long else _BASIC if quote == '"' else _LITERAL)
        if found is None:
            raise self._fail("a string has no end, or too many quotes at it")
        text = found[1] + (found[2] if long else "")
        return self._unescaped(text, found.start(1)) if quote == '"' else text

    def _unescaped(self, text: str, begin: int) -> str:
        def plain(found: re.Match[str]) -> str:
            code = found[2] or found[3] or found[4]
            if found[1] is not None:
                return ""
            number = int(code, 16) if code else 0
            if (found[4] and self.knows is not None) or number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise NotRead("an escape is invalid", self.text, begin + found.start())
            if not code and found[5] not in _ESCAPES:
                raise NotRead("invalid escaped character", self.text, begin + found.start())
            return chr(number) if code else _ESCAPES[found[5]]

        return _ESCAPE.sub(plain, text) if "\\" in text else text

    def _array(self) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        self._take(_GAP)
        while not self._next("]"):
            items.append(self._value())
            self._take(_GAP)
            if not self._next(",") and not self.text.startswith("]", self.at):
                raise self._fail("array elements must be separated by commas")
            self._take(_GAP)
        return items

    def _inline(self) -> Inline:
        table, seen, between = Inline(), Seen(), _GAP if self.knows is None else _BLANKS
        self.at += 1
        self._take(between)
        while not self._next("}"):
            begin, (keys, value) = self.at, self._pair()
            if self.table is not None:
                self._check(seen.pair(keys), begin)
            _put(table, keys, value)
            self._take(between)
            if self._next(","):
                self._take(between)
                if self.knows is not None and self.text.startswith("}", self.at):
                    raise self._fail("an inline table ends with a comma")
            elif not self.text.startswith("}", self.at):
                raise self._fail("expected , or }")
        return table


def _put(tree: dict[str, Any], keys: Keys, value: Any) -> None:
    """Set a value; a table takes the place of a value that another spelling of its name has."""
    for key in keys[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[keys[-1]] = value
