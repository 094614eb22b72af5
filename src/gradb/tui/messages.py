"""Every message that travels up from a pane to the screen.

Panes receive a Frame and say what the user did to them; they know neither the screen nor each other. What a message
means for the debugger is decided by the screen alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger
    from gradb.frame.frame import SourceView
    from gradb.frame.graph.choice import Choice
    from gradb.tui.entries import Entry


@dataclass
class NodeSelected(Message):
    """The user moved the graph's cursor onto a node."""

    node: int
    """Node id."""


@dataclass
class FoldsChosen(Message):
    """The user opened or closed a fold of the graph."""

    choice: Choice
    """What is open and closed now."""


@dataclass
class PositionChosen(Message):
    """The user clicked a place on the scrubber, went along there with the mouse, or chose what leads to an event."""

    position: int
    """Wanted position, 0 to head."""
    is_of_run: bool = False
    """It is one of the run's own tape, whatever is looked at."""

    def can_replace(self, message: Message) -> bool:
        """Let a newer one go before what nobody has looked at yet."""
        return isinstance(message, PositionChosen)


@dataclass
class IterationChosen(Message):
    """The user moved the cursor of the plot: from where, whoever hears of it knows, as several may be on their way."""

    step: int
    """Columns to the right; negative: to the left."""
    columns: int
    """How many the plot has, about."""


@dataclass
class LineClicked(Message):
    """The user clicked a line of the source: a breakpoint goes or comes there."""

    line: int
    """Line number, from 1."""


@dataclass
class CallChosen(Message):
    """The user chose a call of the stack: its line is looked at."""

    view: SourceView
    """Its file, with its line marked."""


@dataclass
class StatementEntered(Message):
    """The user typed one or more statements at the prompt."""

    text: str


@dataclass
class LessonChosen(Message):
    """The user goes on to another lesson: its run takes the place of this one."""

    lesson: Entry


@dataclass
class Picked(Message):
    """The user has chosen what to look at, which was opened or started; None: nothing, and leaves."""

    debugger: Debugger | None


@dataclass
class PromptClosed(Message):
    """The user left the prompt."""
