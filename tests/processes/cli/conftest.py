"""What the tests of this folder share: a script, the signals that commands take, and debuggees that replay a tape."""

from __future__ import annotations

import sys

import pytest

from gradb.debugger.run import Run
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.unit.cli.conftest import _own_signals, script

__all__ = ["_own_signals", "script"]


@pytest.fixture
def launched(tape: str, monkeypatch: pytest.MonkeyPatch) -> list[RunSpec]:
    """Make every launch replay that tape, torch or not, and collect the orders."""
    specs: list[RunSpec] = []
    real = Run.launch
    command = (sys.executable, DEBUGGEE, tape)

    def launch(spec: RunSpec, given: object = None) -> Run:
        specs.append(spec)
        return real(spec, command)

    monkeypatch.setattr(Run, "launch", launch)
    monkeypatch.setattr("gradb.cli.specs.check_torch", lambda: None)
    return specs
