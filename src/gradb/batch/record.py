"""Records a run without a screen: the script's own output passes through, and its exit code is ours.

On a terminal one line on stderr says how far it has got. Of what is on the tape it tells one thing: what the error
means that ended the script. It knows nothing of panes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gradb.algebra.figures import number
from gradb.debugger.ending import stopping
from gradb.debugger.errors import UserError
from gradb.debugger.pace import News, speed
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.spec import RunSpec
from gradb.tape.missing import Stopped

_EVERY = 0.25
_FIRST = 1.0


class Line:
    """A line on a terminal that says how far something has got, rewritten in place a few times a second.

    ``write`` None: nothing is ever written.
    """

    def __init__(self, write: Callable[[str], object] | None) -> None:
        self._write = write
        self._due = time.monotonic() + _FIRST
        self._is_shown = False

    def show(self, text: Callable[[], str]) -> None:
        """Show the line, if it is time to."""
        now = time.monotonic()
        if self._write is None or now < self._due:
            return
        self._due = now + _EVERY
        self._is_shown = True
        self._write(f"\r\x1b[K{text()}\r")

    def clear(self) -> None:
        """Take the line away."""
        if self._write is not None and self._is_shown:
            self._write("\r\x1b[K")


class ProgressLine(Line):
    """A line that says how far a run has got."""

    def update(self, run: Run) -> None:
        """Show the line, if it is time to."""
        self.show(lambda: f"{run.status}: {run.head:,} events{how_far(run.pace.news)}")


def how_far(news: News) -> str:
    """Return iteration, loss and speed as far as they are known, each after a comma."""
    parts = [f"iteration {news.iteration:,}"] if news.iteration > 1 else []
    parts += [f"loss {number(news.loss)}"] if news.loss is not None else []
    parts += [speed(news.rate)] if news.rate else []
    return "".join(f", {part}" for part in parts)


def record(
    spec: RunSpec,
    write: Callable[[str], object] | None = None,
    complain: Callable[[str], object] = lambda sentence: None,
    *,
    explains: bool = True,
) -> int:
    """Run a script to its end and return its exit code (-n for signal n).

    Signals go to the script, which does with them what it does without gradb.

    Args:
        spec: what to run, and where the tape goes.
        write: takes the line that says how far it has got; None: it is not shown.
        complain: takes a sentence about what could not be recorded, and the lines that explain an error.
        explains: whether the error that ended the script is explained, if it can be.

    Raises:
        UserError: the debuggee could not be started or left no tape.
    """
    run, progress = Run.launch(spec), ProgressLine(write)
    try:
        with run.relaying():
            told = _follow(run, progress, complain)
    finally:
        run.close()
        progress.clear()
    if run.failure and not run.is_lost:
        raise UserError(run.failure)
    for sentence in run.closing:
        if told is None or sentence != told.text:
            complain(sentence)
    for sentence in (*run.checkpoints.take_news(), *((run.passed,) if run.passed else ())):
        complain(sentence)
    if explains and run.return_code and told is None and (text := explained(spec.tape)):
        complain(text)
    return 1 if run.return_code is None else run.return_code


def explained(path: str) -> str:
    """Return the lines that explain the error which ended the script of a tape; empty where there is none to explain.

    A fault of ours in this is told, and costs no more than the explanation.
    """
    try:
        from gradb.diagnosis.explaining import explanation_of_end
        from gradb.present.lines.explained import explained_text

        with Tape.open(path, is_over=True) as tape:
            found = explanation_of_end(tape)
            return "" if found is None else explained_text(tape, found)
    except Exception as error:
        return f"the error that ended the script could not be explained: {type(error).__name__}: {error}"


def _follow(run: Run, progress: ProgressLine, complain: Callable[[str], object]) -> Stopped | None:
    """Follow a run to its end, and say at once where the recording ends before it; return what was said."""
    told = None
    while run.is_live:
        run.pump(_EVERY)
        if run.stopped is not None and told is None and run.is_live:
            told = run.stopped
            progress.clear()
            complain(stopping(told))
        progress.update(run)
    return told
