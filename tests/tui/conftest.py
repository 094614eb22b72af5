"""Tapes for the tests of the app, and how fast keys are pressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot

from gradb.debugger.judging import load_rules
from gradb.present.draw.raster import prepare
from tests.fakes import examples
from tests.tui.support import quiet


@pytest.fixture(scope="session", autouse=True)
def _keys() -> Iterator[None]:
    """Press a key when the event loop is done with the one before.

    Textual waits for the processor, 40 ms and more, and has each widget say that it has done what it was sent, which it
    has where the loop is done.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pilot, "press", _press)
        patch.setattr(Pilot, "pause", _pause)
        patch.setattr("textual.app.wait_for_idle", quiet)
        patch.setattr("textual.pilot.wait_for_idle", quiet)
        yield


async def _press(pilot: Pilot[Any], *keys: str) -> None:
    await pilot.app._press_keys(keys)


async def _pause(pilot: Pilot[Any]) -> None:
    await quiet()
    pilot.app.screen._on_timer_update()


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    """Load what an app loads on threads, so that whether the loop has something to do depends on none of them."""
    prepare()
    load_rules()


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


@pytest.fixture(scope="session", autouse=True)
def _painting() -> Iterator[None]:
    """Paint the screen when it is looked at: without a terminal Textual paints each change as well, for nobody."""
    render = Compositor.render_update

    def wait(compositor: Compositor, full: bool = False, **named: Any) -> Any:
        if full:
            return render(compositor, full=True, **named)
        compositor._dirty_regions.clear()
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", wait)
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
