"""Tapes for the tests of the app, and how fast keys are pressed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet

from tests.fakes import examples

_TURNS = 4
"""Looks in a row at which the event loop has nothing ready: then only what comes from outside can go on."""
_TURN = 0.004
"""Seconds between two: a message on its way from widget to widget may wait for a timer of no length."""


async def _quiet(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the event loop has nothing to do, but no longer than ``max_sleep``."""
    ready, turns, deadline = vars(asyncio.get_running_loop())["_ready"], 0, time.monotonic() + max_sleep
    while turns < _TURNS and time.monotonic() < deadline:
        await asyncio.sleep(_TURN)
        turns = 0 if ready else turns + 1


@pytest.fixture(scope="session", autouse=True)
def _keys() -> Iterator[None]:
    """Press a key when the event loop is done with the one before; Textual waits for the processor, 40 ms and more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.app.wait_for_idle", _quiet)
        yield


@pytest.fixture(scope="session", autouse=True)
def _styles() -> Iterator[None]:
    """Have each style sheet parsed once for all apps; Textual does it twice for each, a tenth of what a test takes."""
    parse, parsed = Stylesheet._parse_rules, dict[tuple[Any, ...], Any]()

    def once(sheet: Stylesheet, *given: Any, **named: Any) -> Any:
        key = (*given, *named.items(), *vars(sheet)["_variables"].items())
        if key not in parsed:
            parsed[key] = parse(sheet, *given, **named)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", once)
        yield


@pytest.fixture
def chain_tape(tmp_path: Path) -> Path:
    """The tape of chain_rule.py."""
    path = tmp_path / "chain_rule.tape"
    examples.chain_rule(path)
    return path


@pytest.fixture
def training_tape(tmp_path: Path) -> Path:
    """The tape of three iterations of SGD."""
    path = tmp_path / "training.tape"
    examples.training(path)
    return path
