"""A Frame: everything true at one position of a tape, as plain data.

The panes, the printed text, the JSON and the expectations of command scripts are all drawn from it. It is a pure
function of (tape, position): the builder is ``Tape.frame``. Nothing here knows how it will be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradb.frame.backwards import BackwardCall
from gradb.frame.called import NUMBERS, Called
from gradb.frame.chain.pathview import PathsAt
from gradb.frame.chain.record import Chain
from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.graph.view import GraphView
from gradb.frame.lesson.lesson import LessonAt
from gradb.frame.stack import CallStack
from gradb.frame.training import Training
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.print_ import PrintDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.missing import Failure, Gap, Stopped
from gradb.tape.saved import SavedView


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the tape says of the whole run."""

    script: str
    """Script path or module name as given."""
    arguments: tuple[str, ...]
    title: str
    """First line of the script's docstring, or empty."""
    lesson: str
    """The rest of the docstring, or empty."""
    torch: str
    """torch version, or empty when torch was never imported."""
    status: str
    """``running``, ``finished``, ``exit code 3``, ``killed by SIGKILL`` ..."""
    cwd: str = ""
    """Working directory at the start, or empty."""
    failures: tuple[Failure, ...] = ()
    """What gradb itself failed to record, by kind."""
    stopped: Stopped | None = None
    """Where and why the recording ended before the script."""
    called: Called = field(default=NUMBERS, compare=False)
    """What its events are called."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """The source text and what is marked in it."""

    file: str
    lines: tuple[str, ...]
    """Every line of the file, without line ends; empty when the text is not on the tape."""
    line: int | None
    end_line: int | None
    column: int | None
    """UTF-8 byte offset, as in ``ast``."""
    end_column: int | None
    has_nonfinite: bool = False
    """True where a value of the event there has a NaN or an infinity."""
    library: str = ""
    """Where in a library it happened (``lightning/loops/fit.py:123``); empty where the line is the script's own."""
    backward: int | None = None
    """Line of this file that called the backward which the position is in; None where in none, or from elsewhere."""
    has_failed: bool = False
    """True where what is marked has raised an error."""
    caller: tuple[str, int | None] | None = None
    """File and line that called the function which the marked line is in; None where nothing did, or not known."""

    def is_marked(self, number: int) -> bool:
        """Tell whether anything is marked on a line, from 1."""
        is_current = self.line is not None and self.line <= number <= (self.end_line or self.line)
        return is_current or number in {self.line, self.backward}


@dataclass(frozen=True, slots=True)
class OutputLine:
    """Text the script printed."""

    event: int
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class PrintedAt:
    """What the script was asked for by `print`."""

    event: int
    """seq of its print event: what it shows is of that moment."""
    detail: PrintDetail


@dataclass(frozen=True, slots=True)
class AtenCall:
    """One call."""

    event: int
    """seq of its aten event."""
    detail: AtenDetail
    """With the names that its tensors have at the position."""


@dataclass(frozen=True, slots=True)
class Aten:
    """The calls of one op or node up to a position."""

    name: str
    """The node's name, or the torch call's; empty for a forward op that has not returned yet."""
    node: int | None
    """The node that makes the calls; None for a forward op."""
    is_over: bool
    """True when the op or node has returned, so that these are all its calls."""
    is_seen: bool
    """False when nobody looked into it: then it is not known what it calls."""
    calls: tuple[AtenCall, ...]
    """The newest of them, at most 200, oldest first."""
    count: int
    """How many there are so far."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything true at a position."""

    position: int
    """0: before the first event."""
    head: int
    """Last event recorded when this Frame was made."""
    run: RunInfo
    event: Event | None
    """The event at the position; None at 0."""
    detail: Detail | None
    phase: str
    iteration: int
    source: SourceView | None
    graph: GraphView
    chain: Chain | None
    """The node being run or just run; after an op, the node it created; None where the event is about none."""
    grads: tuple[GradBuffer, ...]
    """One per leaf seen so far, in order of appearance; at most 2,048."""
    outputs: tuple[OutputLine, ...]
    """The newest outputs up to the position (at most 500), oldest first."""
    outputs_dropped: int
    """How many older output events are not in ``outputs``."""
    names: tuple[str, ...]
    """Names of variables known at the position."""
    training: Training
    """Series and interventions, and what holds at the position."""
    paths: PathsAt
    """The paths from leaves to what was differentiated; counted and multiplied when asked for."""
    saved: SavedView
    """What nodes saved for backward, and the memory that the graph holds."""
    aten: Aten | None = None
    """ATen calls of the op or node that the position is in or at; None where it is at neither."""
    printed: PrintedAt | None = None
    """The newest answer of the script's to a `print` up to the position."""
    gaps: tuple[Gap, ...] = ()
    """What was not recorded up to the position and may hide something: the newest of it, newest first."""
    are_grads_cut: bool = False
    """There are more leaves than those in ``grads``."""
    missing: tuple[Gap, ...] = ()
    """The parts that are missing from the event at the position."""
    backward: BackwardCall | None = None
    """The backward call that the position is in, among those of its iteration; None where it is in none. How many there
    are in it is told from the whole tape as far as it is recorded.
    """

    stack: CallStack | None = None
    """The calls of the script's functions that are running; None where they are not known."""
    lesson: LessonAt | None = None
    """The captions and questions in the script's comments; None where it teaches nothing."""

    @property
    def place(self) -> tuple[str, int]:
        """What tells the position from those on other tapes."""
        return self.run.called.path, self.position

    @property
    def called(self) -> Called:
        """What the events of the tape are called."""
        return self.run.called

    @property
    def cut(self) -> Stopped | None:
        """Where the recording ended, at a position from there on."""
        stopped = self.run.stopped
        return stopped if stopped is not None and self.position >= stopped.event else None
