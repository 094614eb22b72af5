"""Headless commands that start a script."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.batch.record import record
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.unit.conftest import Tapes

Starter = Callable[..., RunSpec]


@pytest.fixture
def replaying(tapes: Tapes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starter:
    """Make every launch replay the first scenario, with the mischief given, and return the spec to launch."""

    def prepare_launch(*mischief: str) -> RunSpec:
        command = (sys.executable, DEBUGGEE, str(tapes("chain_rule")), *mischief)
        real = Run.launch
        monkeypatch.setattr(Run, "launch", lambda spec, given=None: real(spec, given or command))
        return RunSpec("a.py", str(tmp_path / "new.tape"), is_paused_at_start=False, passes_output=True)

    return prepare_launch


@pytest.mark.parametrize(("mischief", "code"), [((), 0), (("exit=3",), 3), (("kill=3",), -9)])
def test_record_returns_the_scripts_exit_code(mischief: tuple[str, ...], code: int, replaying: Starter) -> None:
    """A recorded run ends as the script did, and leaves a whole tape."""
    spec = replaying(*mischief)
    assert record(spec) == code
    with Tape.open(spec.tape) as tape:
        assert tape.is_finished
        assert tape.head == (4 if mischief else 19)


def test_record_tells_what_never_began(replaying: Starter) -> None:
    """Without a tape there is a sentence."""
    with pytest.raises(UserError, match="before the script began"):
        record(replaying("refuse"))
