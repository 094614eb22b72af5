"""How gradb says a sentence of its own on stderr."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from gradb.present.draw.safe import plain_lines

if TYPE_CHECKING:
    from gradb.debugger.run import Run


def complain_of(run: Run) -> None:
    """Say what a recording lacks, that its torch was not tested, what was passed, why there is no checkpoint."""
    from gradb.debugger.ending import untested  # knows the rules, and is asked when a run is over

    for sentence in (*(run.closing or [untested(run.torch)]), run.passed, *run.checkpoints.take_news()):
        if sentence:
            complain(sentence)


def complain(text: str) -> None:
    """Print a sentence on stderr, harmless whatever it quotes."""
    with contextlib.suppress(OSError):
        print("gradb: " + "\n".join(plain_lines(text)), file=sys.stderr)
