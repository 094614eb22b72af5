"""Debuggers for the tests of this folder: on recorded tapes, and on live debuggees that replay a tape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.unit.conftest import Tapes

Recorded = Callable[[str], Debugger]
Live = Callable[..., Debugger]

PATIENCE = 20.0
"""Seconds after which a debuggee that has not answered is taken to hang."""


class Notes:
    """A front end that keeps what it is asked for."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.checked: list[str] = []
        self.asked: list[str] = []
        self.printed: list[str] = []
        self.said: list[str] = []

    def show(self, pane: str) -> None:
        """Keep the name of a pane."""
        self.shown.append(pane)

    def gradcheck(self, argument: str) -> None:
        """Keep what is to be checked."""
        self.checked.append(argument)

    def answer(self, argument: str) -> None:
        """Keep the answer."""
        self.asked.append(argument)

    def find(self, argument: str) -> None:
        """Keep what is looked for."""
        self.asked.append(argument)

    def jump(self, argument: str) -> None:
        """Keep where to."""
        self.asked.append(argument)

    def why(self, argument: str) -> None:
        """Keep what is asked."""
        self.asked.append(argument)

    def relive(self, argument: str) -> None:
        """Keep what is asked."""
        self.asked.append(argument)

    def branch(self, argument: str) -> None:
        """Keep what is asked."""
        self.asked.append(argument)

    def branches(self, argument: str) -> None:
        """Keep what is asked."""
        self.asked.append(argument)

    def print(self, argument: str) -> None:
        """Keep what is to be printed."""
        self.printed.append(argument)

    def notice(self, text: str) -> None:
        """Keep what is said."""
        self.said.append(text)


def carry_out(debugger: Debugger, text: str) -> str:
    """Carry out one statement and return what it says."""
    (statement,) = parse(text)
    notes = Notes()
    statement.run(debugger, notes)
    return notes.said[-1]


@pytest.fixture
def recorded(tapes: Tapes) -> Iterator[Recorded]:
    """Return a function that opens an example tape."""
    debuggers: list[Debugger] = []

    def open_example(name: str) -> Debugger:
        debuggers.append(Debugger.open(str(tapes(name))))
        return debuggers[-1]

    yield open_example
    for debugger in debuggers:
        debugger.close()


@pytest.fixture
def live(tapes: Tapes, tmp_path: Path) -> Iterator[Live]:
    """Return a function that starts a debuggee which replays an example, and waits until it pauses.

    It takes the mischief of ``tests.fakes.debuggee``, and fields of the spec as keywords.
    """
    debuggers: list[Debugger] = []

    def start(name: str, *mischief: str, is_waited_for: bool = True, is_paused_at_start: bool = True) -> Debugger:
        command = (sys.executable, DEBUGGEE, str(tapes(name)), *mischief)
        spec = RunSpec(f"{name}.py", str(tmp_path / "live.tape"), is_paused_at_start=is_paused_at_start)
        debuggers.append(Debugger.launch(spec, command))
        if is_waited_for:
            assert debuggers[-1].wait(PATIENCE)
        return debuggers[-1]

    yield start
    for debugger in debuggers:
        debugger.close()
