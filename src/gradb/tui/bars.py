"""The one-line parts of the screen: header, event line, scrubber.

Each takes plain data and draws it with a pure renderer; the scrubber also says where it was clicked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from gradb.algebra.figures import number
from gradb.debugger.inplace import Hidden
from gradb.debugger.pace import speed
from gradb.frame.frame import Frame
from gradb.present.draw.numbers import is_odd
from gradb.present.draw.safe import plain
from gradb.present.draw.theme import NONFINITE, PHASE_STYLES
from gradb.present.lines.headline import headline_lines
from gradb.present.lines.progress import iteration_text
from gradb.present.lines.scrubber import Bucket, buckets, scrubber
from gradb.tape.kinds.event import Event
from gradb.tui.messages import PositionChosen
from gradb.tui.telling import Tone, told

_DRAG = 0.045
"""Seconds between two positions that a mouse that is held chooses: 20 a second are to be painted."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header says."""

    script: str = ""
    """Script or module name."""
    phase: str = ""
    iteration: int = 0
    """From 1; 0 before the run is known."""
    loss: float | None = None
    """The newest loss of a running script."""
    rate: float | None = None
    """Iterations per second of a running script."""
    depth: str = ""
    """How much is recorded at the position: `full`, `watch`; empty before the run is known."""
    policy: str = ""
    """The zero_grad policy at the position, where it is not the script's own."""
    status: str = ""
    """One short clause: `importing torch`, `paused`, `finished` ..."""
    is_running: bool = False
    is_past: bool = False
    """True when the user looks at a moment before the head."""
    asked: str = ""
    """Which question is asked; empty: none is."""
    is_lived_again: bool = False
    """True in an iteration that was lived again."""
    branch: int = 0
    """The number of the branch that is looked at; 0: it is none."""
    missing: str = ""
    """Since which event nothing is recorded, where that is so."""
    total: int = 0
    """How many iterations the run has; 0 as long as that is not known."""


@dataclass(frozen=True, slots=True)
class Track:
    """What the scrubber says."""

    event: Callable[[int], Event]
    """Header of the event at a position; asked for one event a column."""
    position: int
    head: int
    marks: tuple[int, ...] = ()
    """Events that something is found at."""
    calls: Callable[[int], tuple[int, ...]] = lambda most: ()
    """Returns the events at which backward calls begin, none where they are more than so many."""
    opened: tuple[Hidden, ...] = ()
    """Events in whose place iterations lie that were lived again."""
    kept: tuple[int, ...] = ()
    """Events behind which a checkpoint waits."""


class HeaderBar(Widget):
    """Script, phase or loss, iteration, depth of recording and status."""

    heading: reactive[Heading] = reactive(Heading())

    def render(self) -> Text:
        """Draw the line: what is run on the left, how it is on the right."""
        return header_line(self.heading, self.size.width)


def header_line(heading: Heading, width: int) -> Text:
    """Return the header in ``width`` cells; where there is little room, what matters least gives way."""
    left, right = _left(heading), _right(heading)
    name = heading.script.rpartition("/")[2]
    for less in ({"script": name}, {"policy": ""}, {"phase": ""}, {"script": ""}, {"loss": None}):
        if left.cell_len + right.cell_len < width:
            break
        heading = replace(heading, **less)
        left, right = _left(heading), _right(heading)
    left.truncate(max(width - right.cell_len - 1, 0), overflow="ellipsis")
    gap = max(width - left.cell_len - right.cell_len, 1)
    return Text.assemble(left, " " * gap, right, no_wrap=True, overflow="crop")


def _left(heading: Heading) -> Text:
    """Return where the run is: while it runs its loss, else the phase."""
    text = Text.assemble((" gradb ", "bold"), (f" {plain(heading.script)}" if heading.script else "", "bold cyan"))
    if heading.branch:
        text.append(" · ", "dim").append(f"branch {heading.branch}", "bold yellow")
    if heading.phase and not heading.is_running:
        text.append(" · ", "dim").append(heading.phase, f"bold {PHASE_STYLES.get(heading.phase, '')}")
    if heading.iteration:
        text.append(" · ", "dim").append(iteration_text(heading.iteration, heading.total))
    if heading.is_running and heading.loss is not None:
        figure = number(heading.loss)
        text.append(" · ", "dim").append("loss ").append(figure, NONFINITE if is_odd(figure) else "bold")
    return text


def _right(heading: Heading) -> Text:
    parts = [(heading.asked, "bold yellow")] if heading.asked else []
    parts += [("looking back", "yellow")] if heading.is_past and not (heading.is_lived_again or heading.asked) else []
    parts += [("lived again", "bold yellow")] if heading.is_lived_again else []
    parts += [(heading.missing, "bold yellow")] if heading.missing else []
    parts += [(f"zero_grad {plain(heading.policy)}", "bold yellow")] if heading.policy else []
    parts += [(plain(heading.depth), "dim" if heading.depth == "full" else "bold yellow")] if heading.depth else []
    parts += [(speed(heading.rate), "")] if heading.is_running and heading.rate else []
    parts += [(("▶ " if heading.is_running else "") + plain(heading.status), "bold")]
    return Text.assemble((" · ", "dim")).join(Text(*part) for part in parts).append(" ")


class StartNote(Widget):
    """What takes the place of the panes before anything is recorded."""

    heading: reactive[Heading] = reactive(Heading())

    def render(self) -> Text:
        """Say what is going on and, once the script waits, how to begin."""
        heading = self.heading
        doing = f"{plain(heading.status)}…" if heading.is_running else "ready: press space to take the first step"
        return Text.assemble((plain(heading.script), "bold cyan"), "\n\n", doing, justify="center")


class EventBar(Widget):
    """What just happened, or, until the next step, what gradb has to say. It grows for what does not fit one line."""

    frame: reactive[Frame | None] = reactive(None, always_update=True)
    notice: reactive[str] = reactive("")
    tone: reactive[Tone] = reactive("news")
    """How the notice is meant."""
    waiting: reactive[str] = reactive("")
    """What a running script is looked through for; a notice goes before it."""
    lines: reactive[int] = reactive(1, layout=True)

    def watch_frame(self) -> None:
        """Take the room that the event needs."""
        self.lines = len(self._text(self.content_size.width))

    def watch_notice(self) -> None:
        """Take the room that the notice needs."""
        self.watch_frame()

    def watch_waiting(self) -> None:
        """Take the room that it needs."""
        self.watch_frame()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take a line, or as many as there are."""
        return len(self._text(width))

    def render(self) -> Text:
        """Draw the notice where there is one, else the event."""
        return Text("\n").join(self._text(self.content_size.width))

    def _text(self, width: int) -> list[Text]:
        if self.notice or self.waiting:
            return told(self.notice, self.tone, width) if self.notice else told(self.waiting, "waiting", width)
        return [Text("")] if self.frame is None else headline_lines(self.frame, width)


class ScrubberBar(Widget):
    """The whole run as one line; a click goes there, and with the mouse held down it is gone along.

    The mouse moves faster than anything is drawn: of where it was meanwhile only the newest counts.
    """

    ALLOW_SELECT = False

    track: reactive[Track | None] = reactive(None)
    _sampled: tuple[tuple[object, ...], tuple[Bucket, ...]] = ((), ())
    """What the columns stand for, and what that holds for: where the head is no other it is the same."""
    _calls: tuple[int, ...] = ()
    _wanted = 0
    """The position that was last under the mouse."""
    _chosen: int | None = None
    """The one that was last said."""
    _is_resting = False

    def render(self) -> Text:
        """Draw the run up to the head."""
        track, width = self.track, self.content_size.width
        if track is None:
            return Text("")
        key = (track.event, track.head, width)
        if self._sampled[0] != key:
            self._sampled, self._calls = (key, cells(track, width)), track.calls(width)
        columns, opened = self._sampled[1], tuple(hidden[:2] for hidden in track.opened)
        return scrubber(columns, track.position, track.head, width, track.marks, self._calls, opened, track.kept)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go to what lies under the mouse, and along with it from there on."""
        self.capture_mouse()
        self._chosen = None
        self._choose(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go along with the mouse while it is held."""
        if self.app.mouse_captured is self:
            self._choose(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Stay where it is let go."""
        self.release_mouse()

    def _choose(self, event: events.MouseEvent) -> None:
        """Take note of the position under the mouse, wherever above or below, and say it if it is time to."""
        columns = self._sampled[1]
        if self.track is None or not self.track.head or not columns:
            return
        x = event.get_content_offset_capture(self).x
        self._wanted = chosen(columns[min(max(x, 0), len(columns) - 1)], self.track.opened)
        if not self._is_resting:
            self._say()

    def _say(self) -> None:
        """Say which position is wanted, and be silent for a while; nothing where that has been said."""
        self._is_resting = self._wanted != self._chosen
        if self._is_resting:
            self._chosen = self._wanted
            self.post_message(PositionChosen(self._wanted, is_of_run=True))
            self.set_timer(_DRAG, self._say)


def chosen(column: Bucket, opened: tuple[Hidden, ...]) -> int:
    """Return the event that a column stands for: the last, or where an iteration lies that was lived again, that."""
    for hidden in opened:
        if column.first <= hidden.meant <= column.last:
            return hidden.meant
        if column.first <= hidden.last and hidden.first <= column.last:
            return min(column.last, hidden.last)
    return column.last


def cells(track: Track, width: int) -> tuple[Bucket, ...]:
    """Return what each column stands for; a short run is stretched over the whole width."""
    found = buckets(track.event, track.head, width)
    return tuple(found[column * len(found) // width] for column in range(width)) if found else ()
