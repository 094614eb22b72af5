"""Words for how a process ended, and for what its recording lacks. It knows return codes and what was printed last."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.present.draw.files import relative
from gradb.rules.versions import TESTED, is_tested
from gradb.tape.admission import connect
from gradb.tape.database import TapeError
from gradb.tape.seal import LARGEST, is_broken

if TYPE_CHECKING:
    from gradb.frame.frame import RunInfo
    from gradb.frame.reader import Tape
    from gradb.tape.missing import Failure, Stopped

OVER = "the script has ended"
_KILLED = "killed by"
_LOOKED_THROUGH = LARGEST + (1 << 16)  # bytes of a tape, at most, that is looked through


def describe(code: int | None) -> str:
    """Return a clause for a return code as ``subprocess`` gives it: ``exit code 3``, ``killed by SIGKILL``."""
    if code is None:
        return "still alive"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"{_KILLED} {signal.Signals(-code).name}"
    except ValueError:
        return f"{_KILLED} signal {-code}"


def killed(status: str) -> str:
    """Return how a run was ended from outside, as a clause behind ``the script``; empty where it was not.

    Args:
        status: how it has ended, as its tape tells it.
    """
    if not status.startswith(_KILLED):
        return ""
    return f"was {status}{' (short of memory, perhaps)' if status == describe(-signal.SIGKILL) else ''}"


def last_line(texts: Sequence[tuple[str, str]]) -> str:
    """Return the last line printed on stderr that is not blank, without a leading ``gradb: ``."""
    lines = "".join(text for stream, text in texts if stream == "stderr").splitlines()
    filled = [line.strip() for line in lines if line.strip()]
    return filled[-1].removeprefix("gradb: ") if filled else ""


def stopping(stopped: Stopped) -> str:
    """Return the sentence for the moment at which a recording ends before the script."""
    return f"the recording ends after event {stopped.event:,}: {stopped.why}; the script goes on without it"


def untested(torch: str) -> str:
    """Return the sentence for a torch that is outside of the range tested; empty within, or where it is not known."""
    if not torch or is_tested(torch):
        return ""
    oldest, newest = (".".join(map(str, minor)) for minor in TESTED)
    return f"torch {torch} is outside of what gradb was tested with ({oldest} to {newest}); it was tried all the same"


def closing_lines(run: RunInfo) -> list[str]:
    """Return the sentences with which a recording is closed that is not whole, or of an untested torch; else none."""
    strange = [sentence] if (sentence := untested(run.torch)) else []
    return [*strange, *lacking(run)]


def flaw(path: str) -> str:
    """Return a sentence where a tape is damaged though it could be read where one has looked; else empty.

    A tape that was finished is held against its seal, of any other only the structure of the file is looked at, and of
    a large file not even that: to read it all takes too long.
    """
    try:
        if Path(path).stat().st_size > _LOOKED_THROUGH:
            return ""
        if is_broken(path):
            return f"{path} is damaged: bytes of it are not those that were written; what is told here may not be true"
        with contextlib.closing(connect(path)) as db:
            is_sound = db.is_sound()
    except (OSError, TapeError):
        return ""
    return "" if is_sound else f"{path} is damaged elsewhere: what is told here was read from where it is whole"


def lacking(run: RunInfo) -> list[str]:
    """Return the sentences for what a recording lacks; none where it is whole."""
    lines = [_failed(one) for one in run.failures]
    if run.stopped is not None:
        return [*lines, run.stopped.text]
    return [*lines[:-1], f"{lines[-1]}; the recording is otherwise whole"] if lines else []


def passing(tape: Tape) -> str:
    """Return the sentence for breakpoints of the script's own, where nobody was there to go on; empty without any."""
    calls = tape.counted("breakpoint")
    if not calls:
        return ""
    count, first = sum(times for _, times, _ in calls), tape.event(calls[0][2])
    where = "" if first.file is None else f", first at {relative(first.file, tape.run)}:{first.line}"
    times = "once" if count == 1 else f"{count:,} times"
    verb = "was" if len(calls) == 1 else "were"
    once = where.replace("first ", "", 1) if count == 1 else where
    return f"{' and '.join(name for name, _, _ in calls)} {verb} passed {times}{once} (gradb SCRIPT pauses there)"


def _failed(failure: Failure) -> str:
    is_one = failure.count == 1
    events = f"{failure.count:,} event{'' if is_one else 's'} {'was' if is_one else 'were'}"
    if failure.is_event:
        return f"{events} not recorded, {failure.part}{'' if is_one else ' each'} ({failure.why})"
    return f"{events} recorded without {'its' if is_one else 'their'} {failure.part} ({failure.why})"


def die_by(number: int) -> None:
    """End this process by a signal, as the script was ended; without a core of ours in the place of the script's."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
