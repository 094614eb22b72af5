"""Debuggers for the tests of this folder, on recorded tapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from tests.fakes import TapeBuilder
from tests.unit.conftest import Tapes

Recorded = Callable[[str], Debugger]

LONG = """\
import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = (
    a
    * 2
)
# the end
b.sum().backward()
"""

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
def long_tape(tmp_path: Path) -> Path:
    """Write the tape of a script with a statement of four lines; its op stands on the second."""
    with TapeBuilder(tmp_path / "long.tape", "long.py", LONG) as tape:
        a = tape.leaf("a", [1.0, 2.0], line=3)
        b = tape.op("Tensor.mul", "MulBackward0", [a, 2], [2.0, 4.0], name="b", line=5, columns=(4, 9))
        tape.op("Tensor.sum", "SumBackward0", [b], [6.0], (), line=9, columns=(0, 7))
        tape.end()
    return tmp_path / "long.tape"
