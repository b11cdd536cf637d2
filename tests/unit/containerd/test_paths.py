"""config_path in every spelling: containerd reads it in its shortest form, and so does every decision."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.diagnose import diagnose
from containerd.model import Refused, clean
from tests.unit.containerd.samples import DOCKER_HOSTS, OLD, ROOT, decided, fileset, version

FOREIGN = f"# by hand\n{DOCKER_HOSTS.replace('10.0.20.10', '10.0.0.1')}"
NAMES = st.from_regex(r"[a-z.]{1,8}", fullmatch=True).filter(lambda name: name not in {".", ".."})
DETOURS = st.one_of(st.just("/"), st.just("//"), st.just("/./"), NAMES.map(lambda name: f"/{name}/../"))
ENDS = st.sampled_from(["", "/", "//", "/.", "/./", "/x/.."])


def config(root: str) -> str:
    return f'version = 2\n[{OLD}.registry]\nconfig_path = "{root}"\n'


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """The default root, by detours."""
    return "".join(draw(DETOURS) + name for name in ROOT.strip("/").split("/")) + draw(ENDS)


@given(spellings())
def test_a_foreign_file_is_kept_however_its_root_is_spelled(root: str) -> None:
    path = f"{ROOT}/docker.io/hosts.toml"
    decision, plain = (decided(config(each), others={path: FOREIGN}) for each in (root, ROOT))
    assert dict(decision.files) == dict(plain.files)
    assert list(decision.files) == [f"{ROOT}/ghcr.io/hosts.toml"]
    assert decision.findings == plain.findings
    assert diagnose(fileset(config(root), {path: FOREIGN}), version("1.7.24")) == diagnose(
        fileset(config(ROOT), {path: FOREIGN}), version("1.7.24")
    )


@given(st.lists(DETOURS | NAMES.map(lambda name: f"/{name}") | st.just("/.."), min_size=1).map("".join))
def test_no_file_is_planned_at_a_path_with_detours(root: str) -> None:
    if clean(root) == "/":
        with pytest.raises(Refused, match="is not an absolute directory"):
            decided(config(root), others={})
        return
    for path in decided(config(root), others={}).files:
        assert path == posixpath.normpath(path) == clean(path)
        assert path.startswith(clean(root) + "/")


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/a/b", "/a/b"),
        ("//a///b/", "/a/b"),
        ("/a/./b/../c", "/a/c"),
        ("/../../a", "/a"),
        ("/..", "/"),
        ("a/../b", "b"),
        ("", ""),
    ],
)
def test_the_shortest_form(path: str, short: str) -> None:
    assert clean(path) == short


@pytest.mark.parametrize("root", ["/", "/..", "/x/..", "//", "certs.d", "/srv/a\\tb", "/srv/a\\nb", "/srv/a\\u0007"])
def test_what_is_no_directory_for_hosts_toml_files_is_refused(root: str) -> None:
    with pytest.raises(Refused, match="is not an absolute directory") as refusal:
        decided(config(root), others={})
    assert "\n" not in str(refusal.value)
