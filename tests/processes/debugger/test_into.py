"""Into an op or a node of a script that runs, and out again, as on its tape."""

from __future__ import annotations

import pytest

from tests.processes.debugger.conftest import Live, Recorded
from tests.unit.debugger.test_moving import do

MOVES = (
    ("step; into", 2),
    ("step; into; into", 3),
    ("step; into; step", 3),
    ("step; into; out", 3),
    ("step; into 3", 4),
    ("step 2; event", 4),
    ("until node_start; into", 12),
    ("until node_start; out", 13),
    ("until node_start; into; out; into", 15),
    ("until node_start; into; step; step", 16),
    ("until accumulate; back; into", 24),
    ("until accumulate; back; into; out", 25),
    ("until accumulate; event-back", 24),
    ("until aten", 2),
    ("until kind aten; until aten", 4),
    ("until aten MUL", 2),
    ("until aten mul.tensor", 12),
    ("until aten aten.pow.default!", 6),
    ("break aten pow; continue", 6),
    ("finish; until-back aten detach", 24),
    ("finish; back", 25),
)


@pytest.mark.parametrize(("commands", "position"), MOVES)
def test_into_and_out(commands: str, position: int, recorded: Recorded, live: Live) -> None:
    """A movement ends at the same call on a tape and in a running script, and steps know nothing of calls."""
    tape, script = recorded("looked_into"), live("looked_into")
    do(tape, commands)
    do(script, commands)
    assert (tape.position, script.position) == (position, position)
    assert tape.frame().aten == script.frame().aten
