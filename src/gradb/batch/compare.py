"""Two recordings beside each other, as printed text or JSON. What is compared and how is ``present.compare``'s."""

from __future__ import annotations

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.ending import lacking
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.compare import compare, compare_json


def compare_text(left: Tape, right: Tape, labels: tuple[str, str], style: Style) -> str:
    """Return the comparison of two whole runs as text that ends with a line end.

    Raises:
        TapeError: one of the tapes is damaged.
    """
    runs = [tape.frame(tape.head).training for tape in (left, right)]
    lacks = (lacking(left.run), lacking(right.run))
    if style.is_json:
        return line(compare_json(runs[0], runs[1], labels, lacks)) + "\n"
    drawn = compare(runs[0], runs[1], labels, Options(width=style.width), lacks)
    return to_text(drawn, style.width, is_coloured=style.is_coloured)
