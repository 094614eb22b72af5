"""The picker: what `gradb` alone shows. What was opened last, then the scenarios, chapter by chapter.

Letters filter; what looks like a path is one, and the list shows where it may lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from gradb.debugger.errors import UserError
from gradb.present.draw.safe import plain, plain_lines
from gradb.tui.behind import Behind
from gradb.tui.entries import completed, is_path
from gradb.tui.entryrow import EntryRow
from gradb.tui.keybar import KeyBar, KeyHint
from gradb.tui.messages import Picked
from gradb.tui.shortlist import Hit, matching
from gradb.tui.text import TextScreen

if TYPE_CHECKING:
    from gradb.tui.entries import Entry, Shelf

_KEYS = (
    KeyHint("enter", "open", "choose"),
    KeyHint("↑↓", "choose", "down"),
    KeyHint("tab", "complete a path", "complete"),
    KeyHint("?", "help", "help"),
    KeyHint("esc", "quit", "leave"),
)
_BEHIND = 0.05  # seconds after which the list stands on the screen
_PLACEHOLDER = "letters filter, a path opens a file: ./train.py"
_HELP = """\
Type letters to keep what they are found in. What begins with ./, ../, / or ~ is a path: the list shows the folders,
scripts (.py) and recordings (.tape) that it may lead to.

↑ ↓ PgUp PgDn   choose (the mouse does too)
Enter           open what is chosen; of a folder, what is in it
Tab             complete the path, as far as there is one way to go on
Esc             clear what was typed; with nothing typed, quit
? or F1         this help (? while nothing is typed)
Ctrl+Q          quit

The scenarios are a course, chapter by chapter: ✓ stands before a lesson that is done, ▸ before one that was begun.
In a lesson, l opens the next one. `gradb config --forget-lessons` forgets what was done."""


class _Line(Input):
    """The line to type on; while it is empty, a question mark is a key and no text."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Leave the question mark to the screen."""
        return (bool(self.value) or character != "?") and super().check_consume_key(key, character)


class PickerScreen(Behind[None]):
    """A list of entries; it says what was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("tab", "complete", show=False, priority=True),
        Binding("up", "move('cursor_up')", show=False),
        Binding("down", "move('cursor_down')", show=False),
        Binding("pageup", "move('page_up')", show=False),
        Binding("pagedown", "move('page_down')", show=False),
        Binding("question_mark", "help", show=False, priority=True),
        Binding("f1", "help", show=False),
    ]

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self._shelf = shelf
        self._entries = shelf.entries
        self._hits: list[Hit] = []
        self._is_moved = False  # what is highlighted was chosen, and not offered

    def compose(self) -> ComposeResult:
        """Lay out the title, the line to type on, the list, what there is to say, and the keys."""
        yield Static(_heading(self._shelf.summary), id="picker-title", markup=False)
        with Horizontal(id="picker-line"):
            yield Static("›", id="picker-sign", markup=False)
            yield _Line(placeholder=_PLACEHOLDER, id="picker-input", compact=True, select_on_focus=False)
        yield OptionList(id="picker-list", markup=False)
        yield Static(id="picker-notice", markup=False)
        yield KeyBar(_KEYS)

    def on_mount(self) -> None:
        """Offer what is known at once, and all else behind the first paint."""
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._offer("")
        self.app.call_after_refresh(self.set_timer, _BEHIND, self._complete_offer)  # the app's loop begins to paint

    def _complete_offer(self) -> None:
        complete = self._shelf.with_recordings()
        if [*complete] != [*self._entries]:
            chosen, self._entries = self._chosen if self._is_moved else None, complete
            self._offer(self._text)
            place = next((str(place) for place, hit in enumerate(self._hits) if hit.entry == chosen), None)
            if place is not None:
                rows = self.query_one(OptionList)
                rows.highlighted = rows.get_option_index(place)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep what matches."""
        event.stop()
        self._say("")
        self._is_moved = False
        self._offer(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what is chosen."""
        event.stop()
        self.action_choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what was chosen."""
        event.stop()
        self._open(self._hits[int(event.option_id or 0)].entry)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Let the line have a question mark as text, once there is something on it; F1 goes on being help."""
        return action != "help" or not self._text

    def action_choose(self) -> None:
        """Open the highlighted entry."""
        self.query_one(OptionList).action_select()

    def action_complete(self) -> None:
        """Type a path on as far as all that it may come to agree."""
        text = self._text.strip()
        if is_path(text):
            self._type(completed(text, self._shelf.files(text)))

    def action_leave(self) -> None:
        """Clear the line; where it is empty, leave without a choice."""
        if self._text:
            self._type("")
        else:
            self.post_message(Picked(None))

    def action_move(self, how: str) -> None:
        """Move the highlight."""
        self._is_moved = True
        getattr(self.query_one(OptionList), f"action_{how}")()

    def action_down(self) -> None:
        """Move down."""
        self.action_move("cursor_down")

    def action_help(self) -> None:
        """Say which keys there are."""
        self.app.push_screen(TextScreen(_HELP.split("\n")))

    def say_how_to_leave(self) -> None:
        """Answer Ctrl+C: nothing runs that it could break off, and letters are text here."""
        self._say("nothing runs: Esc quits" if not self._text else "nothing runs: Esc clears the line, Esc again quits")

    @property
    def _text(self) -> str:
        return self.query_one(Input).value

    @property
    def _chosen(self) -> Entry | None:
        row = self.query_one(OptionList).highlighted_option
        return None if row is None or row.id is None else self._hits[int(row.id)].entry

    def _type(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    def _open(self, entry: Entry) -> None:
        """Look into a folder, or start what it is; where that cannot be, say why and stay."""
        if entry.is_folder:
            self._type(entry.path)
            return
        try:
            self.post_message(Picked(self._shelf.start(entry)))
        except UserError as error:
            self._say("\n".join(plain_lines(str(error))))

    def _say(self, text: str) -> None:
        notice = self.query_one("#picker-notice", Static)
        notice.update(Text(f"! {text}" if text else ""))
        notice.display = bool(text)

    def _offer(self, text: str) -> None:
        """Fill the list, and highlight what matches best; of what matches alike, the first that is not done."""
        self._hits = self._found(text.strip())
        rows = self.query_one(OptionList)
        rows.clear_options()
        rows.add_options(_options(self._hits, text.strip()))
        openable = (hit for hit in self._hits if not hit.entry.is_folder)
        best = max(openable, key=lambda hit: (hit.score, hit.entry.mark != "done"), default=None)
        if best is None and self._hits:
            best = self._hits[0]
        if best is not None:
            rows.highlighted = rows.get_option_index(str(self._hits.index(best)))

    def _found(self, text: str) -> list[Hit]:
        if is_path(text):
            return [Hit(entry) for entry in self._shelf.files(text)]
        hits = matching(self._entries, text)
        if text:
            known = {hit.entry.path for hit in hits}
            hits += [hit for hit in matching(self._shelf.files(""), text) if hit.entry.path not in known]
        return hits


def _heading(summary: str) -> Table:
    """Return the title: what this is on the left, how far the course was gone through on the right."""
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    title = Text.assemble(("gradb", "bold"), "  step through autograd, and back in time")
    grid.add_row(title, Text(plain(summary), "bold"))
    return grid


def _options(hits: list[Hit], text: str) -> list[Option]:
    """Return the rows, a heading before each group."""
    rows: list[Option] = []
    group = ""
    for index, hit in enumerate(hits):
        if hit.entry.group != group:
            group = hit.entry.group
            rows.append(Option(Text(plain(group), "bold"), disabled=True))
        rows.append(Option(EntryRow(hit), id=str(index)))
    if not rows:
        rows.append(Option(Text(_nothing(text)), disabled=True))
    return rows


def _nothing(text: str) -> str:
    if is_path(text):
        return "no script, recording or folder begins so"
    return "nothing has these letters; a path opens a file: ./train.py" if text else "nothing to open: type a path"
