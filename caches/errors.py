"""The errors of this package. Each message is one line, written for the operator."""

from __future__ import annotations


class CachesError(Exception):
    """Base of every error that this package raises."""


class ImageError(CachesError):
    """An image whose generation of the registry is not known: how it reads its configuration is not, either."""


class Unreadable(CachesError):
    """What Docker says of a container is not what was expected."""
