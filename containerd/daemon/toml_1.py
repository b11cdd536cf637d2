"""What go-toml 1 reads, the parser of containerd 1.x: rule by rule its lexer.go and parser.go (1.9.5).

It overlooks much that the standard forbids: new lines in an inline table, `\\/` in a string, a leading zero, a key that
begins with a dot, a table that is opened twice in two spellings. It refuses some of what the standard allows: four
quotes at the end of a long string, brackets in the name of a table, a date without a time.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from containerd.daemon.toml_values import MOMENT, NotRead, is_moment, number_of

_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_COMMENT = re.compile(r"#(?:[^\n\r]|\r(?!\n))*")
_TABLE = re.compile(r"\[(\[)?([^\[\]]+)\](?(1)\])")
_BLANKS = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r'[^"\\\x00-\x08\x0a-\x1f]+')
_MOMENT = re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\d")
_TIME = re.compile(r"[T ](\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)")
_NO_BASE = re.compile(r"0[A-Za-z]")
_BASED = re.compile(r"0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+")
_NUMBER = re.compile(r"[+-]?(?:inf|nan)|[+-]?[0-9_]+(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9_]*(?:\.[0-9][0-9_]*)?)*")
_ZERO = re.compile(r"0_?[0-9]_?[0-9][0-9_]*")
_WORDS = {"true": True, "false": False}
_ESCAPES = {'"': '"', "n": "\n", "b": "\b", "f": "\f", "/": "/", "t": "\t", "r": "\r", "\\": "\\"}
_HEX = {"u": re.compile(r"[0-9a-fA-F]{4}"), "U": re.compile(r"[0-9a-fA-F]{8}")}


class _Token(NamedTuple):
    """A key, a table, a value, or one of `= , [ ] { }`; `at` is where it begins."""

    kind: str
    at: int
    value: Any = None


class _Tree(dict[str, Any]):
    """A table; nothing may be added to an inline one."""

    inline = False


class _Trees(list[_Tree]):
    """An array of tables."""


def read(text: str) -> dict[str, Any]:
    """Read a file as containerd 1.x does. Raises NotRead."""
    content = text.encode(errors="surrogateescape")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    return _Parser(content[len(mark) :].decode(errors="replace")).tree


class _Lexer:
    """The tokens of a text; after `=`, `[`, `,` and a value it looks for values, else for keys."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.brackets = ""

    def tokens(self) -> Iterator[_Token]:
        values = False
        while self.at < len(self.text):
            char, begin = self.text[self.at], self.at
            if char in " \t":
                self.at += 1
            elif char == "#":
                self.at = self._match(_COMMENT).end()
            elif char in "\r\n":
                self.at += 1
                values = values and self.brackets[-1:] == "["
            else:
                token = self._value(char) if values else self._key(char)
                values = self._is_before_values(token)
                yield token._replace(at=begin)

    def fail(self, message: str) -> NotRead:
        return NotRead(message, self.text, self.at)

    def _is_before_values(self, token: _Token) -> bool:
        if token.kind == ",":
            return self.brackets[-1:] != "{"
        return token.kind not in {"key", "table", "tables", "{"}

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.fail("something is wrong here")
        return found

    def _key(self, char: str) -> _Token:
        if char in "}=":
            return self._mark(char)
        if char == "[":
            found = self._match(_TABLE)
            self.at = found.end()
            return _Token("tables" if found[1] else "table", 0, found[2])
        return _Token("key", 0, self._key_text())

    def _key_text(self) -> str:
        """The key as the parser reads it again: its parts are unescaped, and in quotes still."""
        parts: list[str] = []
        while self.at < len(self.text) and (char := self.text[self.at]) != "=":
            if char in "\"'":
                self.at += 1
                parts += [char, self._basic('"', lines=True) if char == '"' else self._literal("'"), char]
            elif char in " \t":
                self.at = self._match(_BLANKS).end()
                if self.text[self.at : self.at + 1] != ".":
                    break
                self.at += 1
                parts.append(f" .{self._match(_BLANKS)[0]}")
                self.at = self._match(_BLANKS).end()
            elif char == "." or _BARE.match(char):
                parts.append(char)
                self.at += 1
            else:
                raise self.fail("a key has a character that keys have not")
        return "".join(parts)

    def _value(self, char: str) -> _Token:
        if char in "=[]{},":
            return self._mark(char)
        if char in "\"'":
            return _Token("value", 0, self._string(char))
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return _Token("value", 0, value)
        if found := _MOMENT.match(self.text, self.at):
            return _Token("value", 0, self._moment(found))
        return self._number()

    def _mark(self, char: str) -> _Token:
        if char in "]}":
            if self.brackets[-1:] != {"]": "[", "}": "{"}[char]:
                raise self.fail(f"cannot have '{char}' here")
            self.brackets = self.brackets[:-1]
        elif char in "[{":
            self.brackets += char
        self.at += 1
        return _Token(char, 0)

    def _string(self, quote: str) -> str:
        long = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if long else quote
        self.at += len(end)
        if long:
            self.at = self._match(re.compile(r"(?:\r?\n)?")).end()
        return self._basic(end, lines=long) if quote == '"' else self._literal(end)

    def _literal(self, end: str) -> str:
        found = self.text.find(end, self.at)
        if found < 0:
            raise self.fail("unclosed string")
        value, self.at = self.text[self.at : found], found + len(end)
        return value

    def _basic(self, end: str, *, lines: bool) -> str:
        parts: list[str] = []
        while not self.text.startswith(end, self.at):
            if found := _PLAIN.match(self.text, self.at):
                parts.append(found[0])
                self.at = found.end()
                continue
            char = self.text[self.at : self.at + 1]
            if char == "\\":
                parts.append(self._escaped())
                continue
            if not char:
                raise self.fail("unclosed string")
            if char != '"' and not (lines and char in "\r\n"):
                raise self.fail("unescaped control character")
            parts.append(char)
            self.at += 1
        if self.at >= len(self.text):
            raise self.fail("unclosed string")
        self.at += len(end)
        return "".join(parts)

    def _escaped(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        if char and char in "\r\n\t ":
            self.at += 1
            self.at = self._match(re.compile(r"[\r\n\t ]*")).end()
            return ""
        self.at += 2
        if char in _HEX and (found := _HEX[char].match(self.text, self.at)):
            self.at = found.end()
            code = int(found[0], 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if char not in _ESCAPES:
            raise self.fail("invalid escape sequence")
        return _ESCAPES[char]

    def _moment(self, found: re.Match[str]) -> Any:
        text, self.at = found[0], found.end()
        if "-" in text and self.at < len(self.text):
            if self.text[self.at] not in " T":
                raise self.fail("incorrect date/time separation character")
            if time := _TIME.match(self.text, self.at):
                text, self.at = f"{text}T{time[1]}", time.end()
            elif self.text[self.at] == "T" or self.text[self.at + 1 : self.at + 3].isdecimal():
                raise self.fail("invalid hour digit in time")
        if not is_moment(text):
            raise self.fail("no such date or time")
        return MOMENT

    def _number(self) -> _Token:
        found = _BASED.match(self.text, self.at)
        if found is None and _NO_BASE.match(self.text, self.at):
            raise self.fail("unknown number base")
        found = found or self._match(_NUMBER)
        text, self.at = found[0], found.end()
        if _ZERO.fullmatch(text):
            raise self.fail("invalid base")
        number = number_of(text, zeros=True)
        if number is None:
            raise self.fail("no such number")
        return _Token("value", 0, number)


class _Parser:
    """The tree of the tokens."""

    def __init__(self, text: str) -> None:
        self.lexer = _Lexer(text)
        self.tokens = self.lexer.tokens()
        self.token = next(self.tokens, None)
        self.tree = _Tree()
        self.table: tuple[str, ...] = ()
        self.opened: set[str] = set()
        while self.token is not None:
            token = self._next()
            if token.kind == "table":
                self._open(token)
            elif token.kind == "tables":
                self._append(token)
            elif token.kind == "key":
                self._assign(token)
            else:
                raise self._fail("unexpected token", token)

    def _next(self) -> _Token:
        token = self.token
        if token is None:
            raise self.lexer.fail("the file ends too early")
        self.token = next(self.tokens, None)
        return token

    def _fail(self, message: str, token: _Token | None) -> NotRead:
        return NotRead(message, self.lexer.text, token.at if token else len(self.lexer.text))

    def _keys(self, token: _Token) -> tuple[str, ...]:
        keys = _split(token.value)
        if keys is None:
            raise self._fail("invalid key", token)
        return keys

    def _open(self, token: _Token) -> None:
        if token.value in self.opened:
            raise self._fail("duplicated tables", token)
        self.opened.add(token.value)
        keys = self._keys(token)
        made = _made(self.tree, keys)
        if made is None:
            raise self._fail("a table has the name of a value", token)
        if isinstance(found := _found(self.tree, keys), _Tree) and found.inline:
            raise self._fail("could not re-define exist inline table", token)
        self.table = keys

    def _append(self, token: _Token) -> None:
        keys = self._keys(token)
        _made(self.tree, keys[:-1])
        array = _found(self.tree, keys)
        if array is not None and not isinstance(array, _Trees):
            raise self._fail("a key is already assigned and not of type table array", token)
        self.table = keys
        _put(self.tree, keys, _Trees([*(array or ()), _Tree()]) if array is None else array)
        if array is not None:
            array.append(_Tree())
        below = f"{token.value}."
        self.opened = {name for name in self.opened if not name.startswith(below)} | {token.value}

    def _assign(self, token: _Token) -> None:
        keys, value = self._pair(token)
        path = (*self.table, *keys[:-1])
        target = _found(self.tree, path)
        if target is None:
            target = _made(self.tree, path)
        if isinstance(target, _Trees):
            target = target[-1]
        if not isinstance(target, _Tree) or target.inline:
            raise self._fail("a key is below a value or an inline table", token)
        if keys[-1] in target:
            raise self._fail("a key was defined twice", token)
        target[keys[-1]] = value

    def _pair(self, token: _Token) -> tuple[tuple[str, ...], Any]:
        if self._next().kind != "=":
            raise self._fail("was expecting = behind a key", token)
        return self._keys(token), self._value()

    def _value(self) -> Any:
        token = self._next()
        if token.kind == "value":
            return token.value
        if token.kind == "[":
            return self._array()
        if token.kind == "{":
            return self._inline()
        raise self._fail("expecting a value", token)

    def _array(self) -> list[Any]:
        items: list[Any] = []
        while self.token is not None and self.token.kind != "]":
            items.append(self._value())
            if self.token is None or self.token.kind not in {"]", ","}:
                raise self._fail("missing comma", self.token)
            if self.token.kind == ",":
                self._next()
        self._next()
        return _Trees(items) if items and all(isinstance(item, _Tree) for item in items) else items

    def _inline(self) -> _Tree:
        tree, comma = _Tree(), True
        while (token := self._next()).kind != "}":
            if token.kind == "," and (not comma or not tree):
                comma = True
            elif token.kind == "key" and comma:
                keys, value = self._pair(token)
                _put(tree, keys, value)
                comma = False
            else:
                raise self._fail("an inline table is not understood", token)
        if comma and tree:
            raise self._fail("trailing comma at the end of inline table", token)
        tree.inline = True
        return tree


def _split(text: str) -> tuple[str, ...] | None:
    """The parts of a key or a table's name, None where it is none; quotes have no escapes here."""
    keys: list[str] = []
    at = _BLANKS.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        if found := _BARE.match(text, at):
            keys.append(found[0])
            at = _BLANKS.match(text, found.end()).end()  # type: ignore[union-attr]
            if at < len(text) and text[at] != ".":
                return None
        elif text[at] in "\"'":
            end = text.find(text[at], at + 1)
            if end < 0:
                return None
            keys.append(text[at + 1 : end])
            at = end + 1
        elif text[at] == ".":
            at += 1
            if at >= len(text) or not (_BARE.match(text, at) or text[at] in "\"' "):
                return None
        else:
            return None
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    return tuple(keys) or None


def _found(tree: _Tree, keys: tuple[str, ...]) -> Any:
    node: Any = tree
    for key in keys:
        node = node[-1] if isinstance(node, _Trees) else node
        if not isinstance(node, _Tree):
            return None
        node = node.get(key)
    return node


def _made(tree: _Tree, keys: tuple[str, ...]) -> _Tree | None:
    """The table at a path, made when there is none; None where a value is in the way."""
    node = tree
    for key in keys:
        if key not in node:
            node[key] = _Tree()
            node[key].inline = node.inline
        child = node[key]
        child = child[-1] if isinstance(child, _Trees) else child
        if not isinstance(child, _Tree):
            return None
        node = child
    return node


def _put(tree: _Tree, keys: tuple[str, ...], value: Any) -> None:
    """Set a value at a path; a value on the way is stepped over."""
    node = tree
    for key in keys[:-1]:
        child = node.setdefault(key, _Tree())
        child = child[-1] if isinstance(child, _Trees) else child
        node = child if isinstance(child, _Tree) else node
    node[keys[-1]] = value
