"""What is done again and again costs next to nothing while nobody touches the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App

from gradb.tui.pulse import Pulse
from tests.tui.support import debug_screen, opening, shown, wait_until


async def test_a_pulse_beats_as_its_action_says_and_sooner_when_asked() -> None:
    """A beat that is due in an hour comes at once where something wants it, and then as before."""
    app: App[None] = App()
    beats: list[int] = []

    def beat() -> float:
        beats.append(len(beats))
        return 0.001 if len(beats) < 3 else 3600.0

    async with app.run_test():
        pulse = Pulse(app, beat)
        pulse.within(0.001)
        await wait_until(lambda: len(beats) == 3)
        pulse.within(7200.0)
        pulse.within(0.001)
        await wait_until(lambda: len(beats) == 4)
        pulse.within(0.001)
        pulse.end()
        await asyncio.sleep(0.01)
    assert len(beats) == 4


async def test_a_pulse_ends_where_its_action_says_so() -> None:
    """And beats again when it is asked to."""
    app: App[None] = App()
    beats: list[int] = []
    async with app.run_test():
        pulse = Pulse(app, lambda: beats.append(1))
        pulse.within(0.001)
        await wait_until(lambda: len(beats) == 1)
        await asyncio.sleep(0.01)
        assert len(beats) == 1
        pulse.within(0.001)
        await wait_until(lambda: len(beats) == 2)


async def test_a_recording_that_nobody_touches_is_looked_at_once_a_second(
    chain_tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is judged, there is nothing that could come by itself."""
    waits: list[float] = []
    within = Pulse.within

    def noted(pulse: Pulse, seconds: float) -> None:
        waits.append(seconds)
        within(pulse, seconds)

    monkeypatch.setattr(Pulse, "within", noted)
    app = opening(chain_tape)
    async with shown(app):
        await wait_until(lambda: debug_screen(app).options.judged is not None and waits[-2:] == [1.0, 1.0])
