"""Commands to a script that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.errors import UserError
from gradb.frame.reader import Tape
from tests.processes.debugger.conftest import PATIENCE, Live, Recorded, carry_out


def test_save_copies_what_there_is(recorded: Recorded, live: Live, tmp_path: Path) -> None:
    """A finished tape, and one still being written, are saved under another name, which must be free."""
    carry_out(recorded("chain_rule"), f"save {tmp_path / 'one.tape'}")
    debugger = live("chain_rule")
    carry_out(debugger, "step 4")
    assert debugger.wait(PATIENCE)
    assert carry_out(debugger, f"save {tmp_path / 'two.tape'}") == f"saved as {tmp_path / 'two.tape'}"
    with Tape.open(tmp_path / "one.tape") as one, Tape.open(tmp_path / "two.tape") as two:
        assert (one.head, two.head) == (19, 4)
        assert two.is_partial
    for name in ("two.tape", "no/such/folder/x.tape"):
        with pytest.raises(UserError, match=r"exists already|cannot write"):
            carry_out(debugger, f"save {tmp_path / name}")
