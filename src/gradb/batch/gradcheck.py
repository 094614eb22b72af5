"""A numerical check without a screen: the verdict and its figures as text or JSON. The check is the debugger's."""

from __future__ import annotations

from collections.abc import Callable

from gradb.algebra.differences import Result
from gradb.batch.lines import line
from gradb.batch.record import Line
from gradb.batch.show import Style
from gradb.debugger.gradcheck.gradcheck import GradCheck
from gradb.present.draw.safe import plain
from gradb.present.draw.table import figures
from gradb.present.draw.text import to_text
from gradb.present.lines.gradcheck import as_json, legend, rows, sentence


def carry_out(check: GradCheck, seconds: float | None = None, write: Callable[[str], object] | None = None) -> Result:
    """Wait for a check, with a line on a terminal that says how far it is, and end all its runs whatever happens.

    Raises:
        UserError: it cannot be done, or not in so many seconds.
    """
    shown = Line(write)
    try:
        return check.wait(seconds, lambda: shown.show(lambda: f"{check.doing}: {check.runs} runs made"))
    finally:
        check.close()
        shown.clear()


def finding_text(result: Result, style: Style) -> str:
    """Return the sentence and the table of figures, or JSON, as text that ends with a line end."""
    if style.is_json:
        return line(as_json(result)) + "\n"
    table = to_text(figures(rows(result)), max(style.width, 20), is_coloured=style.is_coloured)
    return f"{plain(sentence(result))}\n\n{plain(legend(result))}\n{table}"
