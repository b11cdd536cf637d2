"""The files that a containerd may read, as text, and the reason why it does not start on them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from containerd.model.errors import ContainerdError

MAIN = "/etc/containerd/config.toml"


class Dead(ContainerdError):
    """The daemon does not start: the message says why, in containerd's words where they are known.

    `where` is the file and line that is wrong, empty where that is not known.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True)
class FileSet:
    """Absolute paths and texts of everything that may be imported, and the main file's path, which may have no text.

    `present` are paths that are there and whose text is not needed, such as the base_runtime_spec of a runtime: what a
    configuration names (`named_files` in predict.py) and is in neither is taken to be missing.
    Texts, which may hold secrets, are in no repr.
    """

    main: str
    texts: Mapping[str, str] = field(repr=False)
    present: frozenset[str] = frozenset()

    @classmethod
    def of_bytes(cls, main: str, contents: Mapping[str, bytes], present: frozenset[str] = frozenset()) -> FileSet:
        """The same from bytes: those that are not UTF-8 become surrogates, which no TOML has, so that they are dead."""
        return cls(
            main, {path: content.decode(errors="surrogateescape") for path, content in contents.items()}, present
        )

    def text(self, path: str) -> str | None:
        """The text at an absolute path, None when there is no such file."""
        return self.texts.get(path)

    def has(self, path: str) -> bool:
        """Whether there is a file at an absolute path."""
        return path in self.texts or path in self.present

    def is_directory(self, path: str) -> bool:
        """Whether one of the files is below a path."""
        return any(name.startswith(f"{path}/") for name in self.texts)


def clean(path: str) -> str:
    """Return a path in its shortest form, as Go's filepath.Clean does: containerd reads config_path in that form."""
    short = posixpath.normpath(path) if path else ""
    return "/" + short.lstrip("/") if short.startswith("/") else short


def absolute(path: str, importer: str) -> str:
    """A path as the file that names it means it: cleaned, and relative to that file's directory."""
    return clean(posixpath.join(posixpath.dirname(importer), path))
