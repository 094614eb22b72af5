"""A tape that is damaged, on the screen: what is wrong is said in one sentence, and the rest stays readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradb.tape.seal import seal
from tests.fakes import TapeBuilder
from tests.fakes.flat import flat
from tests.tui.support import debug_screen, opening, position_of, shown, text_of, wait_until


def damaged(path: Path, sql: str) -> Path:
    """Return the tape of the chain rule with something changed."""
    TapeBuilder.chain_rule_example(path)
    with flat(path) as db:
        db.execute(sql)
    return path


def words(app: Any) -> str:
    """Return what is on the screen as one line."""
    return " ".join(text_of(app).replace("│", " ").split())


async def test_an_event_that_cannot_be_shown(tmp_path: Path) -> None:
    """So it is said, as long as one stands there, and whose panes are seen; elsewhere all is shown again."""
    app = opening(damaged(tmp_path / "t.tape", "UPDATE event SET detail = 'x' WHERE seq = 10"))
    async with shown(app, 120, 40) as pilot:
        debug_screen(app).action_statement("goto 9")
        await wait_until(lambda: position_of(app) == 9)
        debug_screen(app).action_statement("goto 10")
        await wait_until(lambda: "The panes are still those of event 9." in words(app))
        assert "is damaged at event 10" in words(app)
        await pilot.press("2")
        await wait_until(lambda: "The panes are still those of event 9." in words(app))
        debug_screen(app).action_statement("goto 8")
        await wait_until(lambda: position_of(app) == 8)
        assert "The panes are still those" not in words(app)
        await pilot.press("end")
        await wait_until(lambda: position_of(app) == 19)
        await pilot.press("q")
    assert app.return_code == 0


async def test_bytes_that_nobody_has_looked_at(tmp_path: Path) -> None:
    """A name that is another one than was written reads as well as any: that it is damage is said of the whole."""
    path = damaged(tmp_path / "t.tape", "SELECT 1")
    seal(path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"MulBackward0", b"MulBackwarm0"))
    assert path.read_bytes() != whole
    app = opening(path)
    async with shown(app, 120, 40) as pilot:
        await wait_until(lambda: "is damaged: bytes of it are not those that were written" in words(app))
        await pilot.press("q")
    assert app.return_code == 0


@pytest.mark.parametrize("column", ["kind = 'dance'", "line = 'ten'"])
async def test_a_header_that_is_none(tmp_path: Path, column: str) -> None:
    """The scrubber has a cell without a phase, and what comes before can be looked at."""
    app = opening(damaged(tmp_path / "t.tape", f"UPDATE event SET {column} WHERE seq = 10"))
    async with shown(app, 120, 40):
        for position in (8, 10, 12):
            debug_screen(app).action_statement(f"goto {position}")
        await wait_until(lambda: position_of(app) == 12)


async def test_one_of_which_nothing_can_be_shown(tmp_path: Path) -> None:
    """The app ends with the sentence, and with the exit code of a file that cannot be read."""
    app = opening(damaged(tmp_path / "t.tape", "UPDATE chunk SET iterations = 'x'"))
    async with app.run_test(size=(80, 24)):
        await wait_until(lambda: app.return_code is not None)
    assert app.return_code == 2
