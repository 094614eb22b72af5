"""Words for how a process ended. It knows return codes and what was printed last, and nothing of tapes."""

from __future__ import annotations

import signal
from collections.abc import Sequence


def describe(code: int | None) -> str:
    """Return a clause for a return code as ``subprocess`` gives it: ``exit code 3``, ``killed by SIGKILL``."""
    if code is None:
        return "still alive"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def exit_code(code: int | None) -> int:
    """Return the exit code with which a shell would report it: 128 + n for signal n."""
    if code is None:
        return 1
    return 128 - code if code < 0 else code


def last_line(texts: Sequence[tuple[str, str]]) -> str:
    """Return the last line printed on stderr that is not blank, without a leading ``gradb: ``."""
    lines = "".join(text for stream, text in texts if stream == "stderr").splitlines()
    filled = [line.strip() for line in lines if line.strip()]
    return filled[-1].removeprefix("gradb: ") if filled else ""
