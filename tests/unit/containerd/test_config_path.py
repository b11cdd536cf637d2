"""The strategy config_path on config.toml: the text before, and every byte of the text after."""

from __future__ import annotations

import pytest

from containerd.config import load_sources, single_root
from containerd.model import NotToml
from tests.unit.containerd.samples import CONFIG, NEW, OLD, ROOT, decided, edited, fileset, version

SET = f'config_path = "{ROOT}"'
WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n'

# id: (before, after), for every generation that reads the old plugin id in a version 2 file
CASES = {
    "wildcard header that implies the table": (
        f"version = 2\n\n{WILDCARD}",
        f"version = 2\n\n[{OLD}.registry]\n  {SET}\n",
    ),
    "wildcard appended at the end, after unrelated tables": (
        f"version = 2\n[grpc]\n  uid = 0\n{WILDCARD}",
        f"version = 2\n[grpc]\n  uid = 0\n[{OLD}.registry]\n  {SET}\n",
    ),
    "no trailing newline": (
        f"version = 2\n{WILDCARD}".rstrip("\n"),
        f"version = 2\n[{OLD}.registry]\n  {SET}\n",
    ),
    "keys that are not indented": (
        f'version = 2\n[{OLD}.registry.mirrors."*"]\nendpoint = ["http://old:5000"]\n',
        f"version = 2\n[{OLD}.registry]\n{SET}\n",
    ),
    "nested headers, the table's own first": (
        f"version = 2\n  [{OLD}.registry]\n    [{OLD}.registry.mirrors]\n"
        f'      [{OLD}.registry.mirrors."*"]\n        endpoint = ["http://old:5000"]\n  [{OLD}.x]\n',
        f"version = 2\n  [{OLD}.registry]\n    {SET}\n  [{OLD}.x]\n",
    ),
    "the table's first key gives the indent": (
        f"version = 2\n  [{OLD}.registry]\n  # note\n\t  max = 1\n{WILDCARD}",
        f"version = 2\n  [{OLD}.registry]\n\t  {SET}\n  # note\n\t  max = 1\n",
    ),
    "config_path that is empty gets its value": (
        f"version = 2\n[{OLD}.registry]\n  config_path = ''   # set me\n  [{OLD}.registry.mirrors]\n\n[{OLD}.x]\n",
        f"version = 2\n[{OLD}.registry]\n  {SET}   # set me\n\n[{OLD}.x]\n",
    ),
    "config_path that is set is kept": (
        f"version = 2\n[{OLD}.registry]\n  config_path='{ROOT}'\n{WILDCARD}",
        f"version = 2\n[{OLD}.registry]\n  config_path='{ROOT}'\n",
    ),
    "single-quoted keys": (
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.'*']\nendpoint = ['http://old:5000']\n",
        f"version = 2\n[plugins.'io.containerd.grpc.v1.cri'.registry]\n{SET}\n",
    ),
    "single-quoted keys elsewhere in the file": (
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = '/opt'\n",
        f"version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = '/opt'\n\n"
        f"[plugins.'io.containerd.grpc.v1.cri'.registry]\n  {SET}\n",
    ),
    "TABs": (
        f'version = 2\n\t[{OLD}.registry.mirrors."*"]\n\t\tendpoint = ["http://old:5000"]\n\t[{OLD}.x]\n',
        f"version = 2\n\t[{OLD}.registry]\n\t\t{SET}\n\t[{OLD}.x]\n",
    ),
    "CRLF": (
        f"version = 2\r\n\r\n[{OLD}.registry]\r\n  [{OLD}.registry.mirrors]\r\n\r\n[{OLD}.x]\r\n  y = 1",
        f"version = 2\r\n\r\n[{OLD}.registry]\r\n  {SET}\r\n\r\n[{OLD}.x]\r\n  y = 1",
    ),
    "own-line comments stay, trailing ones go with their line": (
        f'version = 2\n# a\n[{OLD}.registry.mirrors."*"] # b\n  # c\n  endpoint = [ # d\n    # e\n'
        '    "http://old:5000", # f\n  ]\n  # g\n# h\n',
        f"version = 2\n# a\n[{OLD}.registry]\n  {SET}\n  # c\n    # e\n  # g\n# h\n",
    ),
    "a hash in a multi-line string is no comment": (
        f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["""\n# not one\\\n  http://old"""]\n',
        f"version = 2\n[{OLD}.registry]\n  {SET}\n",
    ),
    "one blank line of the two that would meet goes": (
        f"version = 2\n\n[{OLD}.registry]\n  x = 1\n\n{WILDCARD}\n\n[{OLD}.x]\n",
        f"version = 2\n\n[{OLD}.registry]\n  {SET}\n  x = 1\n\n\n[{OLD}.x]\n",
    ),
    "the blank line before what was last goes": (
        f"version = 2\n[{OLD}.registry]\n  x = 1\n\n{WILDCARD}",
        f"version = 2\n[{OLD}.registry]\n  {SET}\n  x = 1\n",
    ),
    "blank lines elsewhere stay, two in a row too": (
        f"\n\nversion = 2\n\n\n[{OLD}.registry]\n\n\n  x = 1\n{WILDCARD}[{OLD}.x]\n\n\n",
        f"\n\nversion = 2\n\n\n[{OLD}.registry]\n  {SET}\n\n\n  x = 1\n[{OLD}.x]\n\n\n",
    ),
    "tables out of order": (
        f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n[grpc]\n  uid = 0\n'
        f'[{OLD}.registry]\n[{OLD}]\n  x = 1\n[{OLD}.registry.mirrors."docker.io"]\n  endpoint = ["http://old:5000"]\n',
        f"version = 2\n[grpc]\n  uid = 0\n[{OLD}.registry]\n  {SET}\n[{OLD}]\n  x = 1\n",
    ),
    "a table that only its children imply": (
        f'version = 2\n[{OLD}.registry.configs."h".auth]\n  username = "u"\n',
        f'version = 2\n[{OLD}.registry.configs."h".auth]\n  username = "u"\n\n[{OLD}.registry]\n  {SET}\n',
    ),
    "no registry at all": (
        f"version = 2\n\n[{OLD}.cni]\n  x = 1\n",
        f"version = 2\n\n[{OLD}.cni]\n  x = 1\n\n[{OLD}.registry]\n  {SET}\n",
    ),
    "dotted under the plugin's header": (
        f'version = 2\n[{OLD}]\n  a = 1\n  registry.mirrors."*".endpoint = ["http://old:5000"]\n  b = 2\n',
        f"version = 2\n[{OLD}]\n  a = 1\n  registry.{SET}\n  b = 2\n",
    ),
    "dotted at the top": (
        f'version = 2\n{OLD}.registry.mirrors."*".endpoint = ["http://old:5000"]\n[grpc]\n',
        f"version = 2\n{OLD}.registry.{SET}\n[grpc]\n",
    ),
    "dotted below the table's header": (
        f'version = 2\n[{OLD}.registry]\n  mirrors."*".endpoint = ["http://old:5000"]\n',
        f"version = 2\n[{OLD}.registry]\n  {SET}\n",
    ),
    "dotted below the header of mirrors": (
        f'version = 2\n[{OLD}.registry.mirrors]\n  "*".endpoint = ["http://old:5000"]\n  "a".endpoint = []\n',
        f"version = 2\n[{OLD}.registry]\n  {SET}\n",
    ),
    "dotted kin without mirrors": (
        f'version = 2\n[{OLD}]\n  registry.configs."h".auth.username = "u"\n',
        f'version = 2\n[{OLD}]\n  registry.{SET}\n  registry.configs."h".auth.username = "u"\n',
    ),
    "inline mirrors": (
        f'version = 2\n[{OLD}.registry]\n  mirrors = {{"*" = {{endpoint = ["http://old:5000"]}}}}\n  x = 1\n',
        f"version = 2\n[{OLD}.registry]\n  {SET}\n  x = 1\n",
    ),
    "inline registry": (
        f'version = 2\n[{OLD}]\n  registry = {{mirrors = {{"*" = {{endpoint = ["http://old:5000"]}}}}}} # c\n  x = 1\n',
        f"version = 2\n[{OLD}]\n  registry = {{{SET}}} # c\n  x = 1\n",
    ),
}


@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9"])
@pytest.mark.parametrize("name", CASES)
def test_a_version_2_file_with_the_old_id(name: str, runs: str) -> None:
    before, after = CASES[name]
    assert edited(before, runs) == after
    assert edited(after, runs) == after


# tomlkit spaces what it adds to an inline table that has more
INLINE = {
    "inline registry with something to keep": (
        f"version = 2\n[{OLD}]\n  registry = {{ configs = {{ 'h' = {{}} }}, mirrors = {{}} }}\n",
        f"version = 2\n[{OLD}]\n  registry = {{ configs = {{ 'h' = {{}} }}, {SET}}}\n",
    ),
    "inline plugin": (
        'version = 2\n[plugins]\n  "io.containerd.grpc.v1.cri" = {sandbox_image = "p"}\n',
        f'version = 2\n[plugins]\n  "io.containerd.grpc.v1.cri" = {{sandbox_image = "p", registry = {{{SET}}}}}\n',
    ),
}


@pytest.mark.parametrize("name", INLINE)
def test_an_inline_table_with_something_to_keep(name: str) -> None:
    before, after = INLINE[name]
    assert edited(before).replace(" ", "") == after.replace(" ", "")


# id: (before, after), on 2.x only
NEW_CASES = {
    "version 3": (
        f'version = 3\n[{NEW}.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n[{NEW}.pinned_images]\n',
        f"version = 3\n[{NEW}.registry]\n  {SET}\n[{NEW}.pinned_images]\n",
    ),
    "version 3 without any plugin": ("version = 3\n", f"version = 3\n\n[{NEW}.registry]\n  {SET}\n"),
    "version 3 with a leftover of the old id": (
        f"version = 3\n[{OLD}.registry]\n  config_path = '{ROOT}'\n{WILDCARD}\n# keep\n[{NEW}.registry]\n  {SET}\n",
        f"version = 3\n\n# keep\n[{NEW}.registry]\n  {SET}\n",
    ),
    "version 2 with the new id only": (
        f'version = 2\n[{NEW}.registry]\n  [{NEW}.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n',
        f"version = 2\n[{NEW}.registry]\n  {SET}\n",
    ),
    "version 2 with both ids: the old one wins": (
        f'version = 2\n{WILDCARD}[{NEW}.registry]\n  config_path = "/x"\n  keep = 1\n[{NEW}.registry.mirrors."a"]\n',
        f"version = 2\n[{OLD}.registry]\n  {SET}\n[{NEW}.registry]\n  keep = 1\n",
    ),
    "an empty table under the old id wins too": (
        f"version = 2\n[{OLD}.registry]\n[{NEW}.registry]\n  {SET}\n",
        f"version = 2\n[{OLD}.registry]\n  {SET}\n[{NEW}.registry]\n",
    ),
}


@pytest.mark.parametrize("runs", ["2.0.11", "2.1.9", "2.2.0", "2.3.4"])
@pytest.mark.parametrize("name", NEW_CASES)
def test_a_file_with_the_new_id(name: str, runs: str) -> None:
    before, after = NEW_CASES[name]
    assert edited(before, runs) == after
    assert edited(after, runs) == after


def test_version_4() -> None:
    assert edited(f"version = 4\n[{NEW}.registry]\n", "2.3.4") == f"version = 4\n[{NEW}.registry]\n  {SET}\n"


def test_1x_does_not_touch_what_it_does_not_read() -> None:
    other = f"[{NEW}.registry]\n  config_path = '/x'\n  mirrors = {{}}\n"
    assert edited(f"version = 2\n{other}[{OLD}.registry]\n") == f"version = 2\n{other}[{OLD}.registry]\n  {SET}\n"


@pytest.mark.parametrize(
    ("runs", "number", "table"), [("1.6.20", 2, OLD), ("1.7.24", 2, OLD), ("2.1.9", 3, NEW), ("2.3.4", 3, NEW)]
)
@pytest.mark.parametrize("empty", ["", "# nothing is set\n", "# nothing is set"])
def test_a_file_that_sets_nothing_gets_the_version_of_its_daemon(
    empty: str, runs: str, number: int, table: str
) -> None:
    lead = empty if not empty or empty.endswith("\n") else empty + "\n"
    assert edited(empty, runs) == f"{lead}version = {number}\n\n[{table}.registry]\n  {SET}\n"


def test_a_full_default_dump_changes_in_its_registry_only() -> None:
    head = 'root = ""\nversion = 2\n\n[plugins]\n\n  [plugins."io.containerd.gc.v1.scheduler"]\n    pause = 0.02\n\n'
    auths = f"      [{OLD}.registry.auths]\n\n      [{OLD}.registry.configs]\n\n      [{OLD}.registry.headers]\n\n"
    mirrors = f"      [{OLD}.registry.mirrors]\n\n"
    tail = f'    [{OLD}.x509_key_pair_streaming]\n      tls_cert_file = ""\n\n[timeouts]\n  "a.b" = "5s"\n'
    before = f'{head}    [{OLD}.registry]\n      config_path = ""\n\n{auths}{mirrors}{tail}'
    assert edited(before) == f"{head}    [{OLD}.registry]\n      {SET}\n\n{auths}{tail}"


@pytest.mark.parametrize(
    ("config", "runs", "root"),
    [
        (f"version = 2\n[{OLD}.registry]\nconfig_path = '/a'\n", "1.7.24", "/a"),
        (f"version = 2\n[{OLD}.registry]\nconfig_path = ''\n", "1.7.24", None),
        (f"[{OLD}.registry]\nconfig_path = '/a'\n", "2.1.9", None),
        (f"[{OLD}.registry]\nconfig_path = '/a'\n", "2.3.4", "/a"),
        ("[plugins.cri.registry]\nconfig_path = '/a'\n", "1.7.24", "/a"),
        (f"version = 3\n[{NEW}.registry]\nconfig_path = '/a'\n", "2.1.9", "/a"),
        (f"version = 3\n[{OLD}.registry]\nconfig_path = '/a'\n", "2.1.9", None),
        (f"version = 3\n[{OLD}.registry]\nconfig_path = '/a'\n", "2.3.4", "/a"),
        ("", "1.6.20", None),
    ],
)
def test_the_root_that_is_set(config: str, runs: str, root: str | None) -> None:
    assert single_root(load_sources(fileset(config), version(runs)).config_path) == root


def test_a_root_of_ones_own_is_used() -> None:
    decision = decided(f"version = 2\n[{OLD}.registry]\nconfig_path = '/srv/certs/'\n", others={})
    assert decision.config_path == "/srv/certs/"
    assert list(decision.files) == ["/srv/certs/docker.io/hosts.toml", "/srv/certs/ghcr.io/hosts.toml"]


def test_the_root_of_no_toml() -> None:
    with pytest.raises(NotToml):
        load_sources(fileset("["), version("1.7.24"))


def test_config_toml_is_last() -> None:
    assert list(decided("version = 2\n", others={}).files)[-1] == CONFIG
