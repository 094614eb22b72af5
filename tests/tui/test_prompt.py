"""The `:` prompt: the command language on the screen."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from gradb.tui.find import FindLine
from tests.tui.support import debug_screen, enter, opening, position_of, shown, text_of, wait_until
from tests.tui.test_screen import press


async def entered(pilot: Pilot[int], statement: str) -> str:
    """Enter a statement and return the screen's text after it."""
    await enter(pilot, statement)
    return await press(pilot)


async def test_a_command_is_typed_and_run(chain_tape: Path) -> None:
    """Several statements on one line run in order, and the prompt closes."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        assert text_of(app).count("\n:") == 0
        await press(pilot, "colon", *"until node PowBackward0", "semicolon", *" step 2")
        assert "until node PowBackward0; step 2" in text_of(app)
        await press(pilot, "enter")
        assert position_of(app) == 8
        assert "until node" not in text_of(app)


async def test_what_follows_a_search_that_missed_is_not_done(chain_tape: Path) -> None:
    """It was meant for the place that was not found: the position stays, and that is said."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        text = await entered(pilot, "step 2; until nonfinite; step; break 11")
        assert "! there is no later nonfinite" in text
        assert (position_of(app), "◉" in text) == (2, False)
        await entered(pilot, "break 11; step")
        assert (position_of(app), "◉" in text_of(app)) == (3, True)


async def test_a_mistake_is_explained_and_can_be_mended(chain_tape: Path) -> None:
    """The prompt stays open with what is wrong above it; nothing has moved."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        text = await press(pilot, "colon", *"stpe", "enter")
        assert "✗ there is no command 'stpe'" in text
        assert "step" in text.splitlines()[-3]
        assert position_of(app) == 0
        await press(pilot, *["backspace"] * 4, *"step", "enter")
        assert position_of(app) == 1


async def test_the_prompts_key_begins_anew_after_a_mistake(chain_tape: Path) -> None:
    """The line that was refused stays to be mended; who types a colon behind it means another; later it is text."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "colon", *"stpe", "enter", "colon", *"goto 2", "enter")
        assert position_of(app) == 2
        await press(pilot, "colon", *"stpe", "enter", *"x", "colon")
        assert debug_screen(app).query_one("#prompt-input", Input).value == "stpex:"


async def test_history_is_recalled(chain_tape: Path) -> None:
    """Up brings back earlier lines, down later ones."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "colon", *"goto 4", "enter", "colon", *"goto 8", "enter")
        assert position_of(app) == 8
        await press(pilot, "colon", "up", "up", "enter")
        assert position_of(app) == 4


async def test_escape_leaves_the_prompt_and_keys_step_again(chain_tape: Path) -> None:
    """While the prompt is open keys are text; after Escape they are commands."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "colon", "space", "n")
        assert position_of(app) == 0
        await press(pilot, "escape", "space")
        assert position_of(app) == 1


async def test_front_end_commands_work_on_the_prompt(chain_tape: Path) -> None:
    """`show` brings a pane forward; an unknown pane is refused in one sentence."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        assert "5 output" in await entered(pilot, "show output")
        assert "there is no pane 'sauce'" in await entered(pilot, "show sauce")


async def test_an_expression_is_printed(chain_tape: Path) -> None:
    """`print` says on a line what an expression comes to here, or what is wrong with it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "end")
        assert "max(a.grad) = 52" in await entered(pilot, "print max(a.grad)")
        assert "no tensor is called 'nobody'" in await entered(pilot, "print nobody")


async def test_a_failed_expectation_is_shown(chain_tape: Path) -> None:
    """`expect` works on the prompt and shows the difference."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "end")
        assert "52" in await entered(pilot, "expect a.grad == [1, 2, 3, 4]")


async def test_what_is_typed_at_once_after_the_colon_is_not_lost(chain_tape: Path) -> None:
    """A fast typist, or a paste into the terminal: the keys are there before the prompt is drawn."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        for character in ":goto 4":
            key = {":": "colon", " ": "space"}.get(character, character)
            app.post_message(events.Key(key, character))
        app.post_message(events.Key("enter", None))
        await wait_until(lambda: position_of(app) == 4)
        await pilot.pause()
        assert "space step" in text_of(app)


async def test_the_keys_of_prompt_and_find_are_text_on_a_line_that_is_typed_on(chain_tape: Path) -> None:
    """A path, a quotient and a colon can be typed; the line is not left for another."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "colon", *"save a", "slash", *"b", "colon", *"c")
        assert app.screen.query_one("#prompt-input", Input).value == "save a/b:c"
        assert not app.screen.query_one(FindLine).display
        await press(pilot, "escape", "slash", *"x", "slash", "colon", *"y")
        assert app.screen.query_one("#find-input", Input).value == "x/:y"


async def test_the_values_that_are_looked_at_have_the_keyboard(chain_tape: Path) -> None:
    """By key or by command, so that shift and the arrow keys move over them at once."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "end", "V")
        await wait_until(lambda: debug_screen(app).last_pane == "values")
        await press(pilot, "2")
        await entered(pilot, "values b")
        await wait_until(lambda: getattr(app.focused, "name", "") == "values")
