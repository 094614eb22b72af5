"""gradb on a terminal, as a person sees it."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest

from tests.e2e.gradb_process import DEADLINE, ROOT, SCRIPTS, processes_with, wait_until_none_with, without_torch
from tests.e2e.terminal import Terminal

WALK = (
    ("leaf a",),
    ("→ MulBackward0",),
    ("→ AddBackward0",),
    ("→ PowBackward0",),
    ("→ SumBackward0",),
    ("SumBackward0 has run", "upstream"),
    ("PowBackward0 has run", "[1 1 1 1]", "[14 18 22 26]", "elementwise"),
    ("AddBackward0 has run", "[14 18 22 26]"),
    ("MulBackward0 has run", "[28 36 44 52]"),
    ("gradient added to a.grad", "None", "[28 36 44 52]"),
)
"""What each press of the space bar brings on the screen."""
ASKED = "Question "
"""What the screen says where the scenario asks first: after nine presses one has seen what is needed for it."""


def _has(screen: str, texts: tuple[str, ...]) -> bool:
    return all(part in screen for part in texts)


def walk(terminal: Terminal, *, settles: bool = True) -> list[str]:
    """Press space through the whole walk and return the screens, settled unless nothing is to be held against them."""
    screens = []
    for texts in WALK:
        terminal.press("space")
        came = terminal.wait_for(lambda text, texts=texts: _has(text, texts) or ASKED in text)  # type: ignore[misc]
        assert (ASKED in came) == (texts is WALK[8])
        if ASKED in came:
            terminal.press("space")
            terminal.wait_for(lambda text, texts=texts: _has(text, texts))  # type: ignore[misc]
        screens.append(terminal.settle() if settles else terminal.text)
    return screens


def unhinted(screen: str) -> str:
    """Return the screen without hints, which can be read once their question was skipped."""
    return re.sub(r"# \? hint: [^│]*│", "# ? hint│", screen)


def panes(screen: str) -> list[str]:
    """Return the screen without what tells how far the script has run: headline, training, event line, scrubber."""
    lines = unhinted(screen).splitlines()[1:-3]
    first = next((index for index, line in enumerate(lines) if line.startswith("╭─ 6 training")), len(lines))
    width = lines[first].index("╮") + 1 if first < len(lines) else 0
    return lines[:first] + [line[width:] for line in lines[first:]]


def test_space_walks_the_chain_rule_and_backspace_walks_it_back() -> None:
    """The first scenario, live: each step shows its node and numbers, and each step back the same panes again."""
    with Terminal("scenarios/chain_rule.py", columns=80, lines=24, is_new=True) as terminal:
        terminal.wait_for("importing torch")
        terminal.wait_for("paused")
        screens = walk(terminal)
        for screen in reversed(screens[:-1]):
            terminal.press("backspace")
            terminal.wait_for(lambda text, screen=screen: panes(text) == panes(screen))  # type: ignore[misc]
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def test_space_walks_the_chain_rule_on_a_large_terminal() -> None:
    """Each step shows its node and numbers there too; the way back is the smaller terminal's."""
    with Terminal("scenarios/chain_rule.py", columns=200, lines=60) as terminal:
        terminal.wait_for("paused")
        walk(terminal, settles=False)
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def test_recording_shows_the_same_screens_both_ways(chain_rule_tape: Path, tmp_path: Path) -> None:
    """A tape opens where torch is not installed, and each screen on the way back is the one on the way forth."""
    with Terminal("open", chain_rule_tape, env=without_torch(tmp_path)) as terminal:
        terminal.wait_for("chain_rule.py")
        terminal.press("home")
        terminal.settle()
        screens = walk(terminal)
        for screen in reversed(screens[:-1]):
            terminal.press("backspace")
            terminal.wait_for(lambda text, screen=screen: unhinted(text) == unhinted(screen))  # type: ignore[misc]
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def test_endless_loop_can_be_left() -> None:
    """A script that never comes back leaves the app alive, and quitting leaves no process behind."""
    mark = f"mark-{time.time_ns()}"
    with Terminal(SCRIPTS / "loops_forever.py", mark) as terminal:
        terminal.wait_for("paused")
        terminal.press("f")
        terminal.wait_for("looping")
        assert len(processes_with(mark)) >= 2
        terminal.press("?")
        terminal.wait_for("Move in time")
        terminal.press("escape")
        terminal.wait_for(lambda text: "Move in time" not in text)
        terminal.press("ctrl+q")
        assert terminal.wait_until_gone() == 0
        wait_until_none_with(mark)


def insist(terminal: Terminal) -> None:
    """Press Ctrl+C twice, and again where the machine was so busy that they were two seconds apart."""
    for seconds in (10, 20, 40, DEADLINE):
        terminal.press(["ctrl+c", "ctrl+c"])
        with contextlib.suppress(AssertionError):
            terminal.wait_for("KeyboardInterrupt was sent", seconds)
            return
    raise AssertionError(f"the script was never interrupted; the screen is\n{terminal.text}")


def test_ctrl_c_breaks_a_loop_and_not_the_app() -> None:
    """The first asks for a pause that never comes, the second raises KeyboardInterrupt, an event to pause at."""
    with Terminal(SCRIPTS / "loops_forever.py") as terminal:
        terminal.wait_for("paused")
        terminal.press("f")
        terminal.wait_for("looping")
        terminal.press("ctrl+c")
        terminal.wait_for("Ctrl+C twice sends it KeyboardInterrupt")  # what is said for two seconds may be missed
        insist(terminal)
        terminal.wait_for("paused")
        terminal.press("ctrl+c")
        terminal.wait_for("`q` quits")
        terminal.press("q")
        terminal.wait_until_gone()


def test_killing_gradb_ends_the_script_too() -> None:
    """Closing the terminal leaves no process behind either."""
    mark = f"mark-{time.time_ns()}"
    with Terminal(SCRIPTS / "loops_forever.py", mark) as terminal:
        terminal.wait_for("paused")
        terminal.press("f")
        terminal.wait_for("looping")
        terminal.process.close(force=True)
    wait_until_none_with(mark)


def test_small_terminal_is_told() -> None:
    """A terminal that is too small shows one sentence instead of ruins."""
    with Terminal("scenarios/chain_rule.py", columns=40, lines=10) as terminal:
        terminal.wait_for("60")
        assert "16" in terminal.text
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def test_error_of_the_script_is_seen_and_quit_gives_its_code() -> None:
    """A script that raises shows its error, and the app stays until it is left."""
    with Terminal(SCRIPTS / "raises_forward.py") as terminal:
        terminal.wait_for("paused")
        terminal.press("f")
        terminal.wait_for("exit code 1")
        terminal.press("o")
        terminal.wait_for("RuntimeError: size mismatch")
        terminal.press("q")
        terminal.wait_until_gone()


def test_picker_lists_the_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``gradb`` alone lists the scenarios by title; letters filter, and Escape clears them and then leaves."""
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):  # what other tests have run is listed before them
        monkeypatch.setenv(name, str(tmp_path))
    with Terminal(cwd=ROOT) as terminal:
        terminal.wait_for("The chain rule, node by node")
        terminal.wait_for("Gradients add up")
        terminal.press("q")
        terminal.wait_for("Integers cannot")
        terminal.press("\x1b")
        terminal.wait_for("Gradients add up")
        terminal.press("\x1b")
        assert terminal.wait_until_gone() == 0
