from __future__ import annotations

from pathlib import Path

import pytest

from lab import mirror

DEBIAN = """\
# a comment
Types: deb deb-src
# http://snapshot.example/archive
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
INLINE_KEY = """\
Types: deb
URIs: https://vendor.example/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINB
"""
DISABLED = DEBIAN.replace("Types: deb deb-src", "Enabled: no\nTypes: deb")
SOURCES_ONLY = DEBIAN.replace("Types: deb deb-src", "Types: deb-src")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("debian.sources", DEBIAN, "http://mirror.example/debian"),
        ("debian.sources", DISABLED, ""),
        ("debian.sources", SOURCES_ONLY, ""),
        ("vendor.sources", INLINE_KEY, ""),
        ("both.sources", f"{INLINE_KEY}\n \n{DEBIAN}", "http://mirror.example/debian"),
        ("sources.list", "deb http://mirror.example/debian trixie main contrib # here", "http://mirror.example/debian"),
        ("sources.list", "deb [arch=amd64] https://mirror.example/debian sid main", "https://mirror.example/debian"),
        (
            "sources.list",
            "deb [signed-by=/k/debian-archive-keyring.gpg] http://a.example/d stable main",
            "http://a.example/d",
        ),
        ("sources.list", "deb [signed-by=/k/vendor.gpg] http://vendor.example/apt bookworm main", ""),
        ("sources.list", "deb http://docker.example/linux/debian bookworm stable", ""),
        ("sources.list", "deb http://mirror.example/debian-security bookworm-security main", ""),
        ("sources.list", "deb http://mirror.example/debian bookworm-updates main", ""),
        ("sources.list", "deb-src http://mirror.example/debian bookworm main", ""),
        ("sources.list", "#deb http://mirror.example/debian bookworm main", ""),
        ("sources.list", "deb cdrom:[Debian_12]/ bookworm main", ""),
        ("sources.list", "deb http://ubuntu.example/ubuntu noble main", ""),
        ("sources.list", "", ""),
    ],
)
def test_the_first_debian_archive_is_the_mirror(name: str, text: str, expected: str) -> None:
    assert mirror.first_debian(mirror.parse(name, text)) == expected


def test_a_mirror_list_is_resolved(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("# mirrors\nhttps://mirror.example/debian/ priority:1\n")
    source = f"deb mirror+file:{listing} bookworm main"
    assert mirror.first_debian(mirror.parse("sources.list", source)) == "https://mirror.example/debian"


def test_sources_are_read_in_apts_order_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(mirror.VARIABLE, raising=False)
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    assert mirror.find(tmp_path) == ""
    (parts / "debian.sources").write_text(DEBIAN)
    (parts / "aaa.list").write_text("deb [signed-by=/k/vendor.gpg] http://vendor.example/apt bookworm main\n")
    (parts / "aaa.list.save").write_text("deb http://old.example/debian bookworm main\n")
    assert mirror.find(tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list").write_text("deb http://first.example/debian bookworm main\n")
    assert mirror.find(tmp_path) == "http://first.example/debian"
    monkeypatch.setenv(mirror.VARIABLE, "http://mine.example/debian")
    assert mirror.find(tmp_path) == "http://mine.example/debian"
