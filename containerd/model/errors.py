"""The errors of this package. Each message is one line, written for the operator."""

from __future__ import annotations


class ContainerdError(Exception):
    """Base of every error that this package raises."""


class VersionError(ContainerdError):
    """A version that cannot be read, or that this project does not support."""


class NotToml(ContainerdError):
    """A text is not TOML. The message says where, and never quotes the text (it may hold credentials)."""


class Refused(ContainerdError):
    """A file that cannot be changed safely: the message says what is in the way and what to do."""
