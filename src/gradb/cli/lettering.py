"""``--ascii``, which every subcommand takes: what gradb writes is spelled in ASCII, and so is the screen.

Where the encoding of standard output has no more (it is none of the UTFs), this is so without being asked for; and
where the settings say so.
"""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from gradb.cli.folders import settings_file
from gradb.cli.settings import read_settings


class Spelling:
    """A text stream that spells what is written to it in ASCII; all else is the stream's that is behind it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, line by line."""
        if not text.isascii():
            from gradb.present.draw.ascii import spelled_line

            text = "\n".join(map(spelled_line, text.split("\n")))
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class UseAscii(argparse.Action):
    """Spells everything from here on."""

    def __call__(self, *_: Any) -> None:
        """Have both streams spell."""
        _use_ascii()


def is_ascii() -> bool:
    """Tell whether gradb spells in ASCII."""
    return isinstance(sys.stdout, Spelling)


@contextmanager
def lettering() -> Iterator[None]:
    """Spell where the encoding has no more, or the settings say so; what was asked for ends with the context."""
    streams = sys.stdout, sys.stderr
    if not _has_signs(sys.stdout) or read_settings(settings_file(), os.environ).holds("ascii"):
        _use_ascii()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def without_ascii(words: list[str]) -> list[str]:
    """Return the words of a command line behind an ``--ascii`` that stands before the subcommand, and mind that."""
    if words[:1] == ["--ascii"]:
        _use_ascii()
        return words[1:]
    return words


def _use_ascii() -> None:
    if not is_ascii():
        sys.stdout, sys.stderr = (Spelling(stream) for stream in (sys.stdout, sys.stderr))


def _has_signs(stream: TextIO) -> bool:
    """Tell whether a stream can write every sign; one that does not tell its encoding can."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        return codecs.lookup(encoding).name.startswith("utf")
    except LookupError:
        return True
