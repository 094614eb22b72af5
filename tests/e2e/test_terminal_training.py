"""Training on a real terminal: run free, switch zero_grad off, watch the loss go, go back; the ghost beside it."""

from __future__ import annotations

import pytest

from tests.e2e.gradb_process import SCENARIOS, processes_with, wait_until_none_with
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e
ZERO_GRAD = SCENARIOS / "zero_grad.py"


def head(text: str) -> str:
    """Return the header."""
    return text.splitlines()[0]


def test_zero_grad_is_switched_off_in_mid_training() -> None:
    """The loss becomes NaN; the plot says where; iteration by iteration one can look at what happened before."""
    with Terminal("--seed", "1", ZERO_GRAD, columns=120, lines=40) as terminal:
        terminal.wait_for("paused")
        terminal.press(":until iteration 20\r")
        terminal.wait_for(lambda text: "iteration 20" in head(text) and "paused" in head(text))
        terminal.press("0")
        terminal.wait_for(lambda text: "zero_grad off" in head(text))
        terminal.press("f")
        terminal.wait_for(lambda text: "it/s" in head(text) and "loss" in head(text))
        terminal.wait_for("6 training")
        terminal.wait_for(lambda text: "loss nan" in head(text))
        terminal.press("s")
        terminal.wait_for(lambda text: "paused" in head(text))
        assert "calls suppressed since iteration 20" in terminal.text
        terminal.press(":until-back kind intervention\r")
        terminal.wait_for(lambda text: "looking back" in head(text))
        terminal.press("I")
        terminal.wait_for(lambda text: "zero_grad: as written" in text)
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def test_the_ghost_shows_the_other_half_of_the_lesson() -> None:
    """With one key the same script runs without zero_grad beside this one, and ends with the app."""
    with Terminal(ZERO_GRAD, columns=120, lines=40) as terminal:
        terminal.wait_for("paused")
        terminal.press("v")
        terminal.wait_for("the ghost runs the whole script again with zero_grad off")
        terminal.wait_for(lambda text: "zero_grad off" in text and "running, iteration" in text)
        assert len(processes_with("gradb-ghost-")) == 2, "the script, and the scribe of its tape"
        terminal.press("q")
        assert terminal.wait_until_gone() == 0
    wait_until_none_with("gradb-ghost-")


def test_two_recordings_on_the_screen(training_tapes: tuple[str, str]) -> None:
    """``gradb compare --screen`` opens the first with the losses of the second beside its own."""
    with Terminal("compare", "--screen", *training_tapes, columns=120, lines=40) as terminal:
        terminal.wait_for("the losses are the same up to iteration 4 and part there")
        assert "off.tape" in terminal.text
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


@pytest.fixture
def training_tapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Give the tapes of two runs, zero_grad switched off in the second from iteration 4 on."""
    from tests.fakes import TapeBuilder

    folder = tmp_path_factory.mktemp("compare")
    one, other = folder / "script.tape", folder / "off.tape"
    TapeBuilder.training_example(one, 12)
    TapeBuilder.training_example(other, 12, off_at=4)
    return str(one), str(other)
