"""What has to be known, and agreed to, before a script is run again: what is run, where, and what it wrote before.

Plain data and sentences; the front ends ask.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.present.draw.safe import plain

if TYPE_CHECKING:
    from gradb.link.spec import RunSpec
    from gradb.tape.written import Deed, Write, Writes

_LISTED = 20
_NAMED = 3
DEEDS: dict[Deed, str] = {
    "opened": "opened for writing",
    "database": "opened as a database",
    "moved": "moved away",
    "removed": "removed",
    "folder": "made",
    "folder removed": "removed",
    "linked": "linked",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What a run again would do, as far as it can be known."""

    command: str
    """As it would be typed."""
    cwd: str
    stdin: str
    """The file that it reads from; empty where it has none."""
    files: tuple[tuple[str, str], ...]
    """Path, and what the first run did to it; without what it both made and removed."""
    more: int
    """How many there are beyond those that are on the tape."""
    is_from_tape: bool
    """True where what is run was not started by the user just now, but is told by a tape."""
    remarks: tuple[str, ...] = ()
    """What is not as it was."""
    why: str = ""
    """Why it has to be run from its start, as a clause; empty where nothing less was asked for."""

    @property
    def is_needed(self) -> bool:
        """True where nothing may be run before somebody has agreed."""
        return self.is_from_tape or bool(self.files or self.more)

    def lines(self) -> list[str]:
        """Return what is shown before it is asked, safe to print; the question itself is ``QUESTION``."""
        lines = [f"To look closer the script has to be run again: {self.command}", f"in {self.cwd}"]
        lines = [f"{self.why[:1].upper()}{self.why[1:]}.", *lines] if self.why else lines
        lines += [f"with standard input from {self.stdin}"] if self.stdin else []
        lines += [f"but {remark}" for remark in self.remarks]
        if self.is_from_tape:
            lines.append("Its environment variables are not on the tape: it gets those of now.")
        if self.files or self.more:
            lines.append("The first run did this to files, and a run again does the same until it is ended:")
            lines += [f"  {path} ({deed})" for path, deed in self.files[:_LISTED]]
            rest = len(self.files) - len(self.files[:_LISTED]) + self.more
            lines += [f"  and {rest:,} more"] if rest else []
        else:
            lines.append("The first run wrote no file that Python was told of.")
        lines.append("What other programs write, or compiled code past Python, is not known.")
        return [plain(line) for line in lines]

    def refusal(self) -> str:
        """Return the sentence for where nobody can be asked."""
        again = f"to look closer {self.command} has to be run again, in {self.cwd}"
        again = f"{self.why}; {again}" if self.why else again
        told = _named(self.files, self.more)
        return f"{again}{f', and its first run wrote files ({told})' if told else ''}: give --yes to let it"


QUESTION = "Run it again?"


def consent_to(spec: RunSpec, writes: Writes, *, is_from_tape: bool, remarks: Sequence[str] = ()) -> Consent:
    """Return what has to be agreed to before a script is run again.

    Args:
        spec: what is run.
        writes: what its first run did to files.
        is_from_tape: whether a tape says what is run.
        remarks: what is not as it was.
    """
    target = [spec.script] if spec.script is not None else ["-m", spec.module or ""]
    command = shlex.join(["python", *target, *spec.arguments])
    return Consent(
        command, spec.cwd or str(Path.cwd()), spec.stdin or "", _lasting(writes.kept), writes.more, is_from_tape,
        tuple(remarks),
    )  # fmt: skip


def _named(files: Sequence[tuple[str, str]], more: int) -> str:
    if not (files or more):
        return ""
    names = ", ".join(Path(path).name for path, _ in files[:_NAMED])
    rest = len(files[_NAMED:]) + more
    return f"{names} and {rest:,} more" if rest else names


def _lasting(writes: Sequence[Write]) -> tuple[tuple[str, str], ...]:
    """Return each path once; what was not there before and is not there now was for the time of the run only."""
    deeds: dict[str, list[str]] = {}
    for write in writes:
        if write.was_there or os.path.lexists(write.path):
            told = deeds.setdefault(write.path, [])
            told += [DEEDS[write.deed]] if DEEDS[write.deed] not in told else []
    return tuple((path, ", ".join(told)) for path, told in deeds.items())


def agree(consent: Consent, *, is_agreed: bool, ask: Callable[[list[str]], bool] | None) -> None:
    """Make sure that the script may be run again.

    Args:
        consent: what for.
        is_agreed: whether the user has said so beforehand.
        ask: shows lines, asks ``QUESTION`` and returns the answer; None where nobody can be asked.

    Raises:
        UserError: it may not.
    """
    if is_agreed or not consent.is_needed:
        return
    if ask is None:
        raise UserError(consent.refusal())
    if not ask(consent.lines()):
        raise UserError("the script was not run again")
