"""What go-toml 1 reads, the parser of containerd 1.x: rule by rule its lexer.go and parser.go (1.9.5).

It overlooks much that the standard forbids: new lines in an inline table, `\\/` in a string, a leading zero, a key that
begins with a dot, a table that is opened twice in two spellings. It refuses some of what the standard allows: four
quotes at the end of a long string, brackets in the name of a table, a date without a time.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

from containerd.toml.go_toml_1_lexer import Lexer, Token
from containerd.toml.go_toml_values import NotRead

_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class _Tree(dict[str, Any]):
    """A table; nothing may be added to an inline one."""

    inline = False


class _Trees(list[_Tree]):
    """An array of tables."""


def read_go_toml_1(text: str) -> dict[str, Any]:
    """Read a file as containerd 1.x does. Raises NotRead."""
    content = text.encode(errors="surrogateescape")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    return _Parser(content[len(mark) :].decode(errors="replace")).tree


class _Parser:
    """The tree of the tokens."""

    def __init__(self, text: str) -> None:
        self.lexer = Lexer(text)
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

    def _next(self) -> Token:
        token = self.token
        if token is None:
            raise self.lexer.fail("the file ends too early")
        self.token = next(self.tokens, None)
        return token

    def _fail(self, message: str, token: Token | None) -> NotRead:
        return NotRead(message, self.lexer.text, token.at if token else len(self.lexer.text))

    def _keys(self, token: Token) -> tuple[str, ...]:
        keys = _split(token.value)
        if keys is None:
            raise self._fail("invalid key", token)
        return keys

    def _open(self, token: Token) -> None:
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

    def _append(self, token: Token) -> None:
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

    def _assign(self, token: Token) -> None:
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

    def _pair(self, token: Token) -> tuple[tuple[str, ...], Any]:
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
