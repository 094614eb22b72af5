"""How each pane looks, in the dark theme and in ASCII: those that no other test has a picture of."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.present.panes.table import PANES
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart
from gradb.tui.app import GradbApp
from gradb.tui.looks import Looks
from gradb.tui.themes import THEMES
from tests.fakes import TapeBuilder, examples
from tests.fakes.calls import add_calls
from tests.tui.support import debug_screen, painted, text_of, wait_until
from tests.unit.diagnosis.rows import alone

_SNAPSHOTS = Path(__file__).parent / "__snapshots__"


def _called(path: Path) -> None:
    examples.chain_rule(path)
    add_calls(path, 4, [(11, "Net.forward", 2, "torch"), (12, "train", 0, ""), (13, "<module>", 0, "")])


def _large(path: Path) -> None:
    with TapeBuilder(path, "large.py", "W = randn(24, 40)\n") as tape:
        tape.leaf("W", [math.sin(n / 7) * math.cos(n % 40 / 5) for n in range(960)], (24, 40), line=1)
        tape.end()


def _asked(path: Path) -> None:
    with TapeBuilder(path, "net.py", "net = Net()\n") as tape:
        tape.leaf("w", [1.0], line=1)
        parts = (PrintedPart("", "dict", "2 items"), PrintedPart("['lr']", "float", "0.1"))
        tape.event(PrintDetail("state()", "work", parts, "", "hello\n", ("net.mean",)), "print", "state()")
        tape.end()


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at."""

    make: Callable[[Path], None]
    statements: tuple[str, ...]
    words: str
    """What it says."""


LOOKS = {
    "paths": Look(examples.chain_rule, ("goto 16",), "a → b → c → d → out"),
    "saved": Look(examples.chain_rule, ("goto 10",), "c  [7 9 11 13]"),
    "aten": Look(examples.looked_into, ("goto 2",), "#1  aten.mul.default(a)"),
    "findings": Look(examples.training, ("head",), "train.py:7: G901 w is there"),
    "displays": Look(examples.chain_rule, ("until accumulate", "display a.grad"), "* 1 a.grad = [28 36 44 52]"),
    "stack": Look(_called, ("goto 4",), "chain_rule.py:11  Net.forward"),
    "values": Look(_large, ("head", "values W"), "W  [24 "),
    "printed": Look(_asked, ("goto 2",), "it changed net.mean"),
}


SHOWN = (
    *((pane, False) for pane in ("paths", "saved", "aten", "printed")),
    *((pane, True) for pane in ("aten", "findings", "displays", "stack", "values", "printed")),
)
"""Pane, and whether in ASCII: of the others there are pictures elsewhere."""


@pytest.mark.parametrize(("pane", "is_ascii"), SHOWN, ids=[f"{pane}-{'ascii' if it else 'dark'}" for pane, it in SHOWN])
def test_a_pane(pane: str, is_ascii: bool, tmp_path: Path, snap_compare: Any) -> None:
    """All of the screen is its, and what it says is there."""
    look = LOOKS[pane]
    look.make(path := tmp_path / "x.tape")
    app = GradbApp(lambda: Debugger.open(str(path)), script="script.py", looks=Looks(is_ascii=is_ascii))

    async def show(pilot: Pilot[int]) -> None:
        await painted(app)
        panes = debug_screen(app).panes
        for statement in look.statements:
            debug_screen(app).action_statement(statement)
        debug_screen(app).action_statement(f"show {pane}")
        await wait_until(lambda: panes[pane].display and look.words in text_of(app))
        await pilot.press("z")
        await wait_until(lambda: [name for name, each in panes.items() if each.display] == [pane])
        await wait_until(lambda: look.words in text_of(app))
        assert f"{PANES[pane].keys[0]} {PANES[pane].label}" in text_of(app)
        assert text_of(app).isascii() == is_ascii

    with alone("G901", "G903", "G951"):
        assert snap_compare(app, terminal_size=(80, 24), run_before=show)


def test_no_pane_is_without_a_picture() -> None:
    """Of each there is one in the dark theme and one in ASCII, and of each theme there is a screen."""
    seen, grounds = set[tuple[str, bool]](), set[str]()
    titles = {name: re.compile(rf"(╭─|\+-) ?{spec.keys[0]} {re.escape(spec.label)}") for name, spec in PANES.items()}
    for path in _SNAPSHOTS.glob("*/*.svg"):
        drawn = path.read_text()
        grounds.update(re.findall(r'<rect fill="(#[0-9a-f]{6})"', drawn))
        text = html.unescape(re.sub(r"<[^>]+>", "", drawn)).replace("\xa0", " ")
        found = {name: title.search(text) for name, title in titles.items()}
        seen |= {(name, match[1] == "+-") for name, match in found.items() if match}
    assert {(name, is_ascii) for name in PANES for is_ascii in (False, True)} == seen
    assert {theme.background for theme in THEMES} <= grounds
