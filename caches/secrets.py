"""Hides credentials in a config.yml, which a person may have written, before it is shown.

This is beside the masking of every text, because an anchor can name a secret far from its key: only a parser finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from common import MASK, unified_diff

NOT_SHOWN = "# this is no YAML, and is not shown\n"
_SECRET = re.compile("pass|secret|token|credential|auth|key|header|username", re.IGNORECASE)


def config_diff(path: str, before: str | None, after: str) -> str:
    """The difference of a config.yml as a unified diff without credentials; ``None`` stands for a file not there."""
    return unified_diff(path, None if before is None else hide(before), hide(after))


def hide(text: str) -> str:
    """Replace what stands below a secret key by "****", however YAML has it written; of what is no YAML, everything."""
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        spans = sorted(set(_spans(document, set()))) if document else []
    except (yaml.YAMLError, RecursionError):
        return NOT_SHOWN
    shown, begin = "", 0
    for start, end in spans:
        if start >= begin:
            ending = "\n" if text[start:end].endswith("\n") else ""
            shown, begin = f"{shown}{text[begin:start]}{MASK}{ending}", end
    return shown + text[begin:]


def _spans(node: yaml.Node, visited: set[int]) -> Iterator[tuple[int, int]]:
    """Where in the text the values of secret keys begin and end; an anchor is visited once."""
    if id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _spans(item, visited)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and _SECRET.search(key.value):
                yield value.start_mark.index, value.end_mark.index
            else:
                yield from _spans(value, visited)
