"""The check of a run without a screen: its findings as lines, as JSON or as annotations, and what they are worth.

What a run is judged by is ``diagnosis``'s; how it comes to be recorded is the command line's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gradb.batch.lines import line
from gradb.diagnosis.judgement import judge
from gradb.diagnosis.report import Report, report_of
from gradb.diagnosis.selection import Selection
from gradb.frame.reader import Tape
from gradb.present.draw.files import relative
from gradb.present.draw.safe import plain
from gradb.present.json.findings import report_json
from gradb.present.lines.annotations import annotation
from gradb.present.lines.findings import closing_lines, fault_lines
from gradb.tape.cutting import listed

_MAX_FILES = 8
Format = Literal["text", "json", "github"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A run that was judged."""

    report: Report
    selection: Selection
    tape: Tape

    @property
    def exit_code(self) -> int:
        """0: clean; 1: something was found that is a fault; 2: the script failed, or no rule could judge a training.

        A hint is no fault unless its rule was selected.
        """
        report = self.report
        is_failed = bool(report.failure) or (report.uncaught is not None and not report.uncaught.is_explained)
        is_unknown = not report.judged and not report.stretch.is_untrained
        if is_failed or report.stretch.is_unseen or is_unknown:
            return 2
        return int(any(self._counts(fault.rule.code, fault.rule.severity) for fault in report.faults))

    def _counts(self, code: str, severity: str) -> bool:
        return severity != "hint" or self.selection.is_named(code)

    def text(self, form: Format) -> str:
        """Return what is printed, ended by a line end."""
        if form == "json":
            return line(report_json(self.report, self.tape.run) | {"exit_code": self.exit_code}) + "\n"
        lines = self._annotations() if form == "github" else self._lines()
        return "".join(f"{one}\n" for one in (*lines, *closing_lines(self.report, self.selection)))

    def _lines(self) -> Iterator[str]:
        for fault in self.report.faults:
            yield from fault_lines(fault, self.tape.run)

    def _annotations(self) -> Iterator[str]:
        for fault in self.report.faults:
            yield annotation(fault, self.tape.run)

    def complaints(self) -> Iterator[str]:
        """Yield a sentence for each comment that names a code of no rule, and one about files of an ended run."""
        for path, number, code in self.report.unknown:
            file = plain(relative(path, self.tape.run) or path)
            yield f"{file}:{number}: `gradb: ignore` names {plain(code, 40)}, and there is no such rule"
        opened = self._opened()
        if self.report.stretch.is_ended and opened:
            names = listed((plain(relative(path, self.tape.run) or path, 200) for path in opened), _MAX_FILES)
            yield f"the run was ended, and may have left unfinished what it had opened for writing: {names}"

    def _opened(self) -> list[str]:
        """Return the files that the script opened for writing, each once, but those that are not there any more."""
        opened = dict.fromkeys(write.path for write in self.tape.writes.kept if write.deed == "opened")
        return [path for path in opened if os.path.lexists(path)]


def check(tape: Tape, selection: Selection) -> Checked:
    """Judge a tape by the rules that are selected.

    Raises:
        TapeError: the tape is damaged.
    """
    return Checked(report_of(tape, judge(tape, selection.rules())), selection, tape)
