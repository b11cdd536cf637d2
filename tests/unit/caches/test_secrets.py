"""What is shown of a config.yml that a person wrote: never a password, however YAML has it."""

from __future__ import annotations

import pytest

from caches.secrets import NOT_SHOWN, config_diff, hide

WAYS = {
    "on its line": "proxy:\n  password: hunter2\nlog: {}\n",
    "in quotes": "proxy:\n  password: 'hunter2'\nlog: {}\n",
    "folded": "proxy:\n  password: >-\n    hunter2\nlog: {}\n",
    "a block": "proxy:\n  password: |\n    more\n    hunter2\nlog: {}\n",
    "on the next line": "proxy:\n  password:\n    hunter2\nlog: {}\n",
    "over lines": 'proxy:\n  password: "more\n    hunter2"\nlog: {}\n',
    "in one line": "proxy: {remoteurl: https://a, password: hunter2}\nlog: {}\n",
    "a key in quotes": 'proxy:\n  "password" : hunter2\nlog: {}\n',
    "an anchor": "x: &it hunter2\nproxy:\n  password: *it\nlog: {}\n",
    "below": "proxy:\n  auth:\n    any:\n      - hunter2\nlog: {}\n",
    "in a list": "x:\n  - y: 1\n    http_secret: hunter2\nlog: {}\n",
    "a comment": "# password: hunter2\nlog: {}\n",
    "in a URL": "proxy:\n  remoteurl: https://me:hunter2@a\nlog: {}\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_shown(way: str) -> None:
    shown = config_diff("/etc/docker-registry/ghcr/config.yml", WAYS[way], "log: {level: info}\n")
    assert "hunter2" not in shown
    assert "-log: {}" in shown
    assert "hunter2" not in config_diff("/x", None, WAYS[way])


@pytest.mark.parametrize("text", ["a: [\nb: hunter2\n", "a: 1\n---\npassword: hunter2\n", "\tx: hunter2\n", "[" * 5000])
def test_what_is_no_yaml_is_not_shown_at_all(text: str) -> None:
    assert hide(text) == NOT_SHOWN


@pytest.mark.parametrize("text", ["", "# only this\n", "version: 0.1\nproxy: {remoteurl: https://ghcr.io}\n"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert hide(text) == text


@pytest.mark.timeout(20)
def test_anchors_that_name_each_other_take_no_time() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert hide(text) == text
