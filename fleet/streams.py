"""The standard streams of this process: whatever is at their other end, writing to them fails no command."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(FileIO):
    """A stream whose reader may leave, or whose disk may be full: ``error`` is what it could not write for.

    What a command did to the nodes is its exit code, whether or not anybody could read of it.
    """

    error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write ``data``, or note why that was not possible."""
        try:
            return super().write(data)
        except OSError as error:
            self.error = error
            return memoryview(data).nbytes


def open_streams() -> None:
    """Have every text be writable to ``sys.stdout`` and ``sys.stderr``, closed ones too. A closed stdin stays ``None``.

    Descriptors that are closed are opened on /dev/null: a journal or a connection would get their numbers, and what
    child processes write would go there.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null <= 2:
        null = os.open(os.devnull, os.O_RDWR)
    os.close(null)
    sys.stdout, sys.stderr = _opened(sys.stdout, 1), _opened(sys.stderr, 2)


def flush_streams() -> str:
    """Write what is still buffered, and return why the result could not be written, empty where it could.

    A reader that has left, as ``head`` does, has read what it wanted.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    error = getattr(_file(sys.stdout), "error", None)
    if error is None or error.errno == errno.EPIPE:
        return ""
    return f"the result could not be written to stdout: {error.strerror}; the exit code is that of the command"


def _opened(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        return _text(descriptor, "utf-8")
    if not isinstance(stream, TextIOWrapper):
        return stream
    file = _file(stream)
    if isinstance(file, FileIO) and file.fileno() == descriptor:
        return _text(descriptor, stream.encoding, lines=stream.line_buffering, through=stream.write_through)
    stream.reconfigure(errors="backslashreplace")
    return stream


def _file(stream: TextIO) -> object:
    """Return what is below the buffers of ``stream``; Python gives it none with ``PYTHONUNBUFFERED``."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def _text(descriptor: int, encoding: str, *, lines: bool = False, through: bool = False) -> TextIO:
    output = BufferedWriter(_Output(descriptor, "w", closefd=False))
    return TextIOWrapper(output, encoding, "backslashreplace", line_buffering=lines or through, write_through=through)
