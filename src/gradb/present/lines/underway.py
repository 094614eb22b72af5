"""How far something is that takes its time, on a line; how much there is to come of a script nobody knows."""

from __future__ import annotations

from gradb.algebra.figures import counted


def searched_line(command: str, event: str, share: float, seconds: float) -> str:
    """Say how far a search of a recording is.

    Args:
        command: what is carried out, as typed.
        event: the last event that was looked at; empty where it goes from none to none.
        share: of what it may have to look through, 0 to 1.
        seconds: since it began.
    """
    at = f"at event {event}, " if event else ""
    return f"`{command}`: {at}{share:.0%}, {seconds:.1f} s; Ctrl+C breaks it off"


def ran_line(doing: str, events: int, share: float | None, seconds: float, *, is_asked: bool = False) -> str:
    """Say how far a script has run on.

    Args:
        doing: what it is run on to; empty where it just runs.
        events: how many were recorded since it went on.
        share: of its way, 0 to 1; None where nobody knows how far that is.
        seconds: since it went on.
        is_asked: whether it was asked to pause, and has not come to an event since.
    """
    keys = "Ctrl+C twice sends it KeyboardInterrupt" if is_asked else "Ctrl+C pauses"
    far = "" if share is None else f", {share:.0%}"
    return f"{doing or 'running'}: {counted(events, 'event')}{far}, {seconds:.0f} s; {keys}"


def again_line(doing: str, done: str, seconds: float) -> str:
    """Say how far the script is that runs again beside the one that is looked at.

    Args:
        doing: what it is run again for.
        done: how far that is; empty where nobody knows yet.
        seconds: since it began.
    """
    far = f"{done}, " if done else ""
    return f"{doing}: {far}{seconds:.0f} s; Ctrl+C breaks it off"
