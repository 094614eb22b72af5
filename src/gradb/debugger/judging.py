"""Judges the run under the debugger, a little at a time: nothing that is shown ever waits for it.

What is found is kept until a later judgement has come as far, so that nothing goes away while a tape that was opened
anew, when its script ended, is judged again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.frame.reader import Tape

if TYPE_CHECKING:
    from gradb.diagnosis.judged import Judged
    from gradb.diagnosis.judgement import Judgement, Verdict
    from gradb.diagnosis.selection import Selection

_PIECE = 32
"""Events that are judged between two looks at the clock."""


class Judging:
    """The judgement of one run, as far as it has come."""

    def __init__(self) -> None:
        self.judged: Judged | None = None
        """What was found; None before the first look."""
        self.with_hints = False
        """Whether hints are judged too."""
        self._judgement: tuple[Tape, Judgement] | None = None
        self._known: tuple[Tape, bool, Verdict] | None = None

    def look(self, tape: Tape, seconds: float | None = None) -> bool:
        """Judge what is on the tape and was not yet, for so many seconds at most; return whether all is judged.

        Raises:
            TapeError: the tape is damaged.
        """
        if self._judgement is None or self._judgement[0] is not tape:
            self._judgement = (tape, _begun(tape, with_hints=self.with_hints))
        judgement = self._judgement[1]
        end = None if seconds is None else time.monotonic() + seconds
        is_done = judgement.advance(_PIECE)
        while not is_done and (end is None or time.monotonic() < end):
            is_done = judgement.advance(_PIECE)
        if is_done or self.judged is None or judgement.position >= self.judged.position:
            self._take(tape, judgement.verdict())
        return is_done

    def select(self, *, with_hints: bool) -> None:
        """Judge hints too, or no more; all is judged anew."""
        if with_hints != self.with_hints:
            self.with_hints = with_hints
            self.judged = self._judgement = self._known = None

    def _take(self, tape: Tape, verdict: Verdict) -> None:
        """Take in what was found; what has not changed is not made anew."""
        key = (tape, tape.is_finished, replace(verdict, position=0))
        if self._known != key or self.judged is None:
            from gradb.diagnosis.judged import judged_of

            hints_off = _selection(with_hints=self.with_hints).hints_off()
            self._known, self.judged = key, judged_of(tape, verdict, hints_off=hints_off)
        else:
            self.judged = replace(self.judged, position=verdict.position)


def load_rules() -> None:
    """Load the rules, which takes longer than a key may."""
    import gradb.diagnosis.judged
    import gradb.diagnosis.judgement
    import gradb.diagnosis.selection  # noqa: F401


def _begun(tape: Tape, *, with_hints: bool) -> Judgement:
    """Begin the judgement of a tape; the rules are loaded here, since the first paint is not to wait for them."""
    from gradb.diagnosis.judgement import Judgement

    return Judgement(tape, _selection(with_hints=with_hints).rules())


def _selection(*, with_hints: bool) -> Selection:
    from gradb.diagnosis.selection import Selection

    return Selection(with_hints=with_hints)
