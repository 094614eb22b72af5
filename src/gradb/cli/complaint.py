"""How gradb says a sentence of its own on stderr."""

from __future__ import annotations

import contextlib
import sys

from gradb.debugger.ending import untested
from gradb.debugger.run import Run
from gradb.present.draw.safe import plain_lines


def complain_of(run: Run) -> None:
    """Say what a recording lacks, that its torch was not tested, what was passed, why there is no checkpoint."""
    for sentence in (*(run.closing or [untested(run.torch)]), run.passed, *run.checkpoints.take_news()):
        if sentence:
            complain(sentence)


def complain(text: str) -> None:
    """Print a sentence on stderr, harmless whatever it quotes."""
    with contextlib.suppress(OSError):
        print("gradb: " + "\n".join(plain_lines(text)), file=sys.stderr)
