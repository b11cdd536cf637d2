from __future__ import annotations

from pathlib import Path

from tests.faults import trees


def tree(top: Path) -> dict[str, trees.Entry]:
    (top / "certs.d").mkdir()
    (top / "config.toml").write_text("version = 2\n# on worker-1\n")
    (top / "link").symlink_to("config.toml")
    return trees.read(top)


def test_a_mode_a_link_and_a_byte_count(tmp_path: Path) -> None:
    first = tree(tmp_path)
    assert set(first) == {"certs.d", "config.toml", "link"}
    assert trees.difference(trees.read(tmp_path), first) == "nothing"
    (tmp_path / "config.toml").chmod(0o600)
    (tmp_path / "link").unlink()
    (tmp_path / "certs.d/x").touch()
    said = trees.difference(trees.read(tmp_path), first)
    assert said == "link is missing, certs.d/x is too much, config.toml differs"


def test_copies_that_wait_are_not_live(tmp_path: Path) -> None:
    first = tree(tmp_path)
    (tmp_path / ".containerd-fleet-20260214T031502Z-1f3a-1.before").touch()
    later = trees.read(tmp_path)
    assert trees.live(later) == first
    assert trees.strays(later) == [".containerd-fleet-20260214T031502Z-1f3a-1.before"]


def test_the_files_of_one_node_are_told_for_another(tmp_path: Path) -> None:
    assert b"# on worker-2\n" in trees.replaced(tree(tmp_path), "worker-1", "worker-2")["config.toml"].content
