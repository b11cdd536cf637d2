"""File hosts under other generation groups in hosts.yaml, every other byte kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import yaml


def regroup(text: str, groups: Mapping[str, str], generations: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return hosts.yaml with each host of ``groups`` filed under that one of the groups ``generations``.

    Also returns the hosts that could not be changed, because their ``groups`` are not a plain list in this file
    (an alias, or inherited through another group).
    """
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    edits: list[tuple[int, int, str]] = []
    left: list[str] = []
    for host, group in groups.items():
        listed = _groups_of(document, host)
        edit = None if listed is None else _edit(text, listed, group, generations)
        if edit is None:
            left.append(host)
        else:
            edits.append(edit)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text, tuple(left)


def _groups_of(document: yaml.Node | None, host: str) -> yaml.SequenceNode | None:
    body = _value(document, host)
    listed = _value(body, "groups")
    return listed if isinstance(listed, yaml.SequenceNode) and listed.value else None


def _value(mapping: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(mapping, yaml.MappingNode):
        return None
    return next((value for name, value in mapping.value if name.value == key), None)


def _edit(
    text: str, listed: yaml.SequenceNode, group: str, generations: Collection[str]
) -> tuple[int, int, str] | None:
    """Where to write what: over the generation group that is there, or behind the last group."""
    old = [item for item in listed.value if item.value in generations]
    if len(old) > 1:
        return None
    if old:
        return old[0].start_mark.index, old[0].end_mark.index, group
    last = listed.value[-1]
    end = last.end_mark.index
    if listed.flow_style:
        return end, end, f", {group}"
    line = text.rfind("\n", 0, last.start_mark.index) + 1
    return end, end, f"\n{text[line : last.start_mark.index]}{group}"
