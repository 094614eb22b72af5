"""How gradb says a sentence of its own on stderr."""

from __future__ import annotations

import contextlib
import sys

from gradb.present.safe import plain_lines


def complain(text: str) -> None:
    """Print a sentence on stderr, harmless whatever it quotes."""
    with contextlib.suppress(OSError):
        print("gradb: " + "\n".join(plain_lines(text)), file=sys.stderr)
