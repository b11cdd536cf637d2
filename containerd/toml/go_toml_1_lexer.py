"""The tokens that go-toml 1 finds in a text, the parser of containerd 1.x: rule by rule its lexer.go (1.9.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from containerd.toml.go_toml_values import MOMENT, NotRead, is_moment, number_of

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


class Token(NamedTuple):
    """A key, a table, a value, or one of `= , [ ] { }`; `at` is where it begins."""

    kind: str
    at: int
    value: Any = None


class Lexer:
    """The tokens of a text; after `=`, `[`, `,` and a value it looks for values, else for keys."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.brackets = ""

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens of the text, and raise NotRead where it has none."""
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
        """Return the error of the place where the lexer is."""
        return NotRead(message, self.text, self.at)

    def _is_before_values(self, token: Token) -> bool:
        if token.kind == ",":
            return self.brackets[-1:] != "{"
        return token.kind not in {"key", "table", "tables", "{"}

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.fail("something is wrong here")
        return found

    def _key(self, char: str) -> Token:
        if char in "}=":
            return self._mark(char)
        if char == "[":
            found = self._match(_TABLE)
            self.at = found.end()
            return Token("tables" if found[1] else "table", 0, found[2])
        return Token("key", 0, self._key_text())

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

    def _value(self, char: str) -> Token:
        if char in "=[]{},":
            return self._mark(char)
        if char in "\"'":
            return Token("value", 0, self._string(char))
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return Token("value", 0, value)
        if found := _MOMENT.match(self.text, self.at):
            return Token("value", 0, self._moment(found))
        return self._number()

    def _mark(self, char: str) -> Token:
        if char in "]}":
            if self.brackets[-1:] != {"]": "[", "}": "{"}[char]:
                raise self.fail(f"cannot have '{char}' here")
            self.brackets = self.brackets[:-1]
        elif char in "[{":
            self.brackets += char
        self.at += 1
        return Token(char, 0)

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

    def _number(self) -> Token:
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
        return Token("value", 0, number)
