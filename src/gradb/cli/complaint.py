"""How gradb says a sentence of its own on stderr."""

from __future__ import annotations

import contextlib
import sys

from gradb.debugger.ending import untested
from gradb.debugger.run import Run
from gradb.present.draw.safe import plain_lines


def complain_of(run: Run) -> None:
    """Say what a recording lacks, or that its torch was not tested."""
    for sentence in run.closing or filter(None, [untested(run.torch)]):
        complain(sentence)


def complain(text: str) -> None:
    """Print a sentence on stderr, harmless whatever it quotes."""
    with contextlib.suppress(OSError):
        print("gradb: " + "\n".join(plain_lines(text)), file=sys.stderr)
