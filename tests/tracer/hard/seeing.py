"""Records a script of this folder in process and draws what a user sees of it."""

from __future__ import annotations

import functools
import io
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.lines.headline import describe
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.event import Event
from tests.tracer.hard.cases import CASES
from tests.tracer.recording import record

_WIDTH = 110


class Seen:
    """A recorded script, and its panes as text."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.events = list(tape.events())

    def at(self, name: str, kind: str = "node", nth: int = 0) -> int:
        """Return the position of the nth event of a kind whose name is (or contains) ``name``."""
        return self.having(lambda event: event.kind == kind and name in event.name)[nth]

    def having(self, test: Callable[[Event], bool]) -> list[int]:
        """Return the positions of the events that pass a test."""
        return [event.seq for event in self.events if test(event)]

    def chain(self, position: int) -> str:
        """Return the chain pane's text, its blanks as one each so that a wrapped sentence is one sentence."""
        return " ".join(self.chain_lines(position).split())

    def chain_lines(self, position: int) -> str:
        """Return the chain pane as it is drawn."""
        return _text(PANES["chain"].render, self.tape.frame(position))

    def graph(self, position: int) -> str:
        """Return the graph pane as it is drawn."""
        return _text(PANES["graph"].render, self.tape.frame(position))

    def headline(self, position: int) -> str:
        """Return the clause that the head line says."""
        return describe(self.tape.frame(position))


def _text(pane: Callable[[Frame, Options], object], frame: Frame) -> str:
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None)
    with console.capture() as capture:
        console.print(pane(frame, Options(width=_WIDTH)))
    return capture.get()


_folders: list[Path] = []
_numbers = itertools.count()


def keep_in(folder: Path) -> None:
    """Say where tapes are to be written from now on."""
    _folders.append(folder)


def new_tape() -> Path:
    """Return the path of a tape that is not there yet."""
    return _folders[-1] / f"{next(_numbers)}.tape"


def watch(function: Callable[[], object], probe: str = "auto") -> Seen:
    """Record a function and return what there is to see."""
    return Seen(record(new_tape(), function, probe=probe)[1])


@dataclass(frozen=True, slots=True)
class Recorded:
    """A case that was run under the tracer, each node measured."""

    left: list[torch.Tensor | None]
    random: torch.Tensor
    """State of the generator when it was done."""
    tape: Tape


@functools.cache
def recorded(name: str) -> Recorded:
    """Record a case, once for all tests of it."""
    left, tape = record(new_tape(), CASES[name])
    return Recorded(left, torch.random.get_rng_state(), tape)


@functools.cache
def see(script: str, probe: str = "auto") -> Seen:
    """Record ``scripts/<script>.py`` once and return what there is to see."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, tape = record(new_tape(), CASES[script], probe=probe)
    return Seen(tape)
