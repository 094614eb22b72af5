"""The picker: what `gradb` alone shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.picker import Entry
from tests.tui.support import debug_screen, text_of, wait_until


def picking(tape: Path) -> GradbApp:
    entries = [
        Entry("chain_rule.py", "The chain rule, node by node", "chain_rule.py", "scenarios"),
        Entry("mlp.py", "A small network [b]learns[/b]", "mlp.py", "scenarios"),
        Entry(str(tape), "train.py", "finished, 2 minutes ago", "recent tapes"),
    ]
    return GradbApp(entries=entries, open_entry=lambda entry: Debugger.open(entry.path))


async def test_an_entry_is_picked_with_the_keyboard(chain_tape: Path) -> None:
    """Down and Enter open the entry below; what it opens is the debug screen."""
    app = picking(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "recent tapes" in text_of(app))
        assert "A small network [b]learns[/b]" in text_of(app)
        await pilot.press("down", "down", "enter")
        await wait_until(lambda: debug_screen(app).frame is not None)
        await wait_until(lambda: "1 source" in text_of(app))


async def test_leaving_the_picker_ends_the_app(chain_tape: Path) -> None:
    """`q` leaves without opening anything."""
    app = picking(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "recent tapes" in text_of(app))
        await pilot.press("q")
        await wait_until(lambda: app.return_code is not None)
    assert app.return_code == 0


def test_picker_screen(snap_compare: Any) -> None:
    """How the picker looks at 80 x 24."""
    app = picking(Path("run.tape"))

    async def look(pilot: Pilot[int]) -> None:
        await wait_until(lambda: "scenarios" in text_of(app))

    assert snap_compare(app, terminal_size=(80, 24), run_before=look)
