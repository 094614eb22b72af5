"""The picker: what `gradb` alone shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from gradb.cli import browse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.tui.app import GradbApp
from gradb.tui.entries import Entry, completed
from gradb.tui.entryrow import EntryRow
from gradb.tui.looks import Looks
from gradb.tui.picker import PickerScreen
from gradb.tui.shortlist import matching
from tests.tui.support import text_of, there, wait_until

LESSON = "Forward, PyTorch writes down how each tensor was made: every op leaves a node, and `grad_fn` points at it."
ENTRIES = (
    Entry("train.py", "train.py --epochs 3", "2026-11-30 08:15, in ~/project", "Recent scripts"),
    Entry(
        "chain_rule.py", "The chain rule, node by node", f"{LESSON} More.", "The chain rule", "chain_rule", mark="done"
    ),
    Entry(
        "acc.py",
        "Gradients add up",
        "`backward()` never replaces a gradient.",
        "The chain rule",
        "accumulation",
        mark="begun",
    ),
    Entry("mlp.py", "A small network [b]learns[/b], and its title is as long as it has to be", "", "Training", "mlp"),
    Entry("./", "Open a file ...", "type its path", "Files"),
)


class Shelf:
    """What is offered: a tape in the place of every script but one."""

    def __init__(self, tape: Path) -> None:
        self.entries: Sequence[Entry] = ENTRIES
        self.summary = "1 of 3 lessons done"
        self.recordings: Sequence[Entry] = ()
        self.picked: list[Entry] = []
        self._tape = tape

    def with_recordings(self) -> Sequence[Entry]:
        return [*self.entries[:1], *self.recordings, *self.entries[1:]]

    def files(self, text: str) -> Sequence[Entry]:
        return browse.files(text)

    def start(self, entry: Entry) -> Debugger:
        if entry.path == "train.py":
            raise UserError("syntax error in train.py, line 1: invalid syntax\n    x = \n        ^")
        self.picked.append(entry)
        return Debugger.open(str(self._tape))


@pytest.fixture
def trains(shelf: Shelf, tmp_path: Path) -> None:
    """Put more files beside those of the shelf, whose names begin alike."""
    for name in ("train_big.py", "train_small.py", "Training.tape"):
        (tmp_path / "here" / name).write_text("pass\n")


@pytest.fixture
def shelf(chain_tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Offer some entries, in a folder with two files and a folder of one."""
    for name in ("other.py", "notes.txt", "runs/long.tape"):
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_text("pass\n")
    monkeypatch.chdir(tmp_path / "here")
    return Shelf(chain_tape)


def chosen(app: Any) -> str:
    """Return the path of what is highlighted, or nothing."""
    screen = app.screen
    return screen._chosen.path if isinstance(screen, PickerScreen) and screen._chosen is not None else ""


def typed(app: Any) -> str:
    return str(app.screen.query_one(Input).value)


async def begun(app: GradbApp) -> None:
    await wait_until(lambda: "The chain rule, node by node" in text_of(app))


async def test_it_is_painted_first(shelf: Shelf) -> None:
    """Nothing of a run is on the screen before it, and no key that does nothing yet."""
    app = GradbApp(shelf=shelf)
    painted: list[str] = []
    app.call_after_refresh(lambda: painted.append(text_of(app)))
    async with app.run_test(size=(80, 24)):
        await wait_until(lambda: painted)
        assert "The chain rule, node by node" in painted[0]
        assert "zero_grad" not in painted[0]


async def test_recordings_are_looked_into_behind_the_first_paint(shelf: Shelf) -> None:
    """They come behind the scripts as soon as they are known."""
    shelf.recordings = [Entry("old.tape", "old.py", "8 events", "Recent recordings")]
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)):
        await wait_until(lambda: "8 events" in text_of(app))
        lines = text_of(app).splitlines()
        where = [
            next(i for i, line in enumerate(lines) if text in line) for text in ("train.py", "old.py", "chain_rule")
        ]
        assert where == sorted(where)


async def test_nothing_is_looked_into_before_the_first_paint(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a machine that is slow takes longer to the first paint than recordings are waited for behind it."""
    monkeypatch.setattr("gradb.tui.picker._BEHIND", 0.001)
    order: list[str] = []

    def with_recordings() -> Sequence[Entry]:
        order.append("looked")
        return ENTRIES

    monkeypatch.setattr(shelf, "with_recordings", with_recordings)
    app = GradbApp(shelf=shelf)
    app.call_after_refresh(lambda: order.append("painted"))
    async with app.run_test(size=(80, 24)):
        await wait_until(lambda: len(order) > 1)
    assert order == ["painted", "looked"]


async def test_an_entry_is_picked_with_the_keyboard(shelf: Shelf) -> None:
    """Titles and what is said of them are seen whole; down and Enter open the entry below, in the debug screen."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        shown = " ".join(text_of(app).replace("│", "").split())
        assert LESSON in shown
        assert "More." not in shown
        assert "A small network [b]learns[/b], and its title is as long as it has to be mlp" in shown
        await pilot.press("down", "down", "enter")
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
    assert [entry.name for entry in shelf.picked] == ["accumulation"]


async def test_a_learner_goes_on_where_the_course_was_left(shelf: Shelf) -> None:
    """Where nothing else was opened last, the first lesson that is not done is highlighted."""
    shelf.entries = ENTRIES[1:]
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)):
        await begun(app)
        await wait_until(lambda: chosen(app) == "acc.py")


async def test_letters_filter_and_escape_goes_back_step_by_step(shelf: Shelf) -> None:
    """j, k and q are letters, the best hit is highlighted; Esc clears, and with nothing to clear quits."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press(*"gau")
        await wait_until(lambda: chosen(app) == "acc.py")
        assert "A small network" not in text_of(app)
        await pilot.press(*"jkq?")
        assert typed(app) == "gaujkq?"
        await wait_until(lambda: "nothing has these letters" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: "A small network" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: app.return_code is not None)
    assert app.return_code == 0


async def test_a_question_mark_is_help_while_nothing_is_typed(shelf: Shelf) -> None:
    """What the keys do is said over the picker."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press("question_mark")
        await wait_until(lambda: "complete the path" in text_of(app))
        await pilot.press("escape")
        await begun(app)
        assert typed(app) == ""


async def test_a_path_is_completed_and_opened(shelf: Shelf) -> None:
    """The row of files leads into the folder; Tab completes, Enter goes into a folder and opens a file."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press(*"open a file", "enter")
        await wait_until(lambda: typed(app) == "./" and chosen(app) == "./other.py")
        assert "runs/" in text_of(app)
        assert "notes.txt" not in text_of(app)
        await pilot.press(*"ru", "tab")
        await wait_until(lambda: chosen(app) == "./runs/long.tape")
        assert typed(app) == "./runs/"
        await pilot.press("enter")
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
    assert [entry.path for entry in shelf.picked] == ["./runs/long.tape"]


@pytest.mark.usefixtures("trains")
async def test_a_path_is_completed_as_far_as_all_agree(shelf: Shelf) -> None:
    """Where there are several ways to go on nothing of them is typed, and all are listed."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press(*"./t", "tab")
        await wait_until(lambda: typed(app).lower() == "./train")
        await pilot.press("tab")
        assert typed(app).lower() == "./train"
        await wait_until(lambda: all(name in text_of(app) for name in ("train_big.py", "train_small.py", "Training")))
        await pilot.press(*"_s", "tab")
        await wait_until(lambda: typed(app) == "./train_small.py")


@pytest.mark.parametrize(
    ("text", "paths", "wanted"),
    [
        ("/r/", ["/r/chk.py", "/r/dag.py"], "/r/"),
        ("./tr", ["./train_a.py", "./train_b.py"], "./train_"),
        ("./tr", ["./Train.py", "./tr.tape"], "./tr"),
        ("./TR", ["./train.py"], "./train.py"),
        ("~", ["~/a/", "~/b.py"], "~/"),
        ("./nothing", [], "./nothing"),
    ],
)
def test_how_a_path_is_completed(text: str, paths: list[str], wanted: str) -> None:
    """What was typed is never made shorter, nor spelled otherwise without need."""
    assert completed(text, [Entry(path, path) for path in paths]) == wanted


async def test_a_file_of_this_folder_is_found_by_its_letters(shelf: Shelf) -> None:
    """It need not be typed as a path."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press(*"other")
        await wait_until(lambda: chosen(app) == "other.py")
        assert "In this folder" in text_of(app)


async def test_what_cannot_be_opened_is_said_and_the_picker_stays(shelf: Shelf) -> None:
    """The sentence stands below the list until something else is typed."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        await pilot.press("enter")
        await wait_until(lambda: "! syntax error in train.py, line 1" in text_of(app))
        await pilot.press("c")
        await wait_until(lambda: "syntax error" not in text_of(app))


async def test_a_click_opens_an_entry(shelf: Shelf) -> None:
    """The mouse is as good as the keyboard."""
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app)
        row = next(i for i, line in enumerate(text_of(app).splitlines()) if "Gradients add up" in line)
        await pilot.click(offset=(10, row))
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
    assert [entry.name for entry in shelf.picked] == ["accumulation"]


@pytest.mark.parametrize("width", [30, 120])
def test_what_is_too_long_for_a_line_is_folded(width: int) -> None:
    """Below each other or side by side: no letter of a title is cut off, nor of what is said of it."""
    [hit] = matching([Entry("x.py", "t" * 100, f"a word of {'w' * 100} letters", mark="done")], "")
    lines = ["".join(segment.text for segment in line) for line in Console().render_lines(
        EntryRow(hit), Console().options.update_width(width)
    )]  # fmt: skip
    assert (sum(line.count("t") for line in lines), sum(line.count("w") for line in lines)) == (102, 101)
    assert lines[0].startswith("✓ ttt")
    assert {len(line) for line in lines} == {width}


FOUND = (
    ("", 5),
    ("chain", 1),
    ("CHAIN node", 1),
    ("accum", 1),
    ("epochs", 1),
    ("project", 1),
    ("tcr", 1),
    ("hain", 1),
    ("hnr", 0),
    ("node zebra", 0),
    ("e" * 40, 0),
)


@pytest.mark.parametrize(("text", "count"), FOUND)
def test_what_letters_are_found_in(text: str, count: int) -> None:
    """Every word is found in the title or name as it stands, or scattered from a word's start on; else in the rest."""
    hits = matching(ENTRIES, text)
    assert len(hits) == count


@pytest.mark.parametrize(("width", "height", "theme"), [(80, 24, "dark"), (120, 40, "light")])
def test_picker_screen(width: int, height: int, theme: str, shelf: Shelf, snap_compare: Any) -> None:
    """How the picker looks: at 120 columns title and lesson stand on one line; lessons begun and done are marked."""
    app = GradbApp(shelf=shelf, looks=Looks(theme))

    async def look(pilot: Pilot[int]) -> None:
        await begun(app)
        lines = [line for line in text_of(app).splitlines() if "Gradients add up" in line]
        assert ("never replaces" in lines[0]) == (width == 120)
        assert "▸ Gradients add up" in lines[0]
        assert "✓ The chain rule, node by node" in text_of(app)
        assert text_of(app).splitlines()[1].endswith("1 of 3 lessons done")
        app.screen.query_one(Input).cursor_blink = False
        await wait_until(lambda: app.screen.query_one(OptionList).highlighted == 1)

    assert snap_compare(app, terminal_size=(width, height), run_before=look)


async def test_recordings_that_come_late_move_no_highlight_and_take_no_word_away(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was chosen and what was said stay, though the list grows above."""
    monkeypatch.setattr("gradb.tui.picker._BEHIND", 3600)  # not before a key is pressed
    shelf.recordings = (Entry("late.tape", "late.py", "2026-11-30 08:15, 12 events", "Recent recordings"),)
    app = GradbApp(shelf=shelf)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, PickerScreen)
        await pilot.press("enter", "down")
        assert (chosen(app), "! syntax error" in text_of(app)) == ("chain_rule.py", True)
        screen._complete_offer()
        await pilot.pause()
        assert "late.py" in text_of(app)
        assert (chosen(app), "! syntax error" in text_of(app)) == ("chain_rule.py", True)
        await pilot.press("up")
        assert chosen(app) == "late.tape"
