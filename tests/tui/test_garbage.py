"""The collector of the app's process: no key waits for it, and it is left as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.tui.garbage import Garbage
from tests.tui.support import opening, shown


@pytest.fixture(autouse=True)
def _real(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the app work on Python's own collector, and put aside again what the tests had."""
    monkeypatch.setattr("gradb.tui.garbage.gc", gc)
    yield
    gc.collect()
    gc.freeze()


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


async def test_the_collector_is_left_as_it_was(chain_tape: Path) -> None:
    """While the app is there, nothing old is looked through by itself; afterwards all is as before."""
    before = gc.get_threshold()
    async with shown(opening(chain_tape)):
        assert gc.get_threshold()[2] > before[2] or gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_cycles_go_in_a_rest_and_not_before() -> None:
    """A cycle is still there while keys are pressed, and gone after a rest."""
    garbage = Garbage()
    garbage.install()
    try:
        cycle = _Cycle()
        known = weakref.ref(cycle)
        del cycle
        garbage.rest(0.0)
        assert known() is not None
        garbage.rest(10.0)
        assert known() is None
    finally:
        garbage.uninstall()
        garbage.uninstall()
