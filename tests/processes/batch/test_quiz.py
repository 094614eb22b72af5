"""Questions of a script that runs, answered by a command script."""

from __future__ import annotations

import sys
from pathlib import Path

from gradb.batch.script import prepare
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.unit.conftest import Tapes


def test_a_command_script_can_answer(tapes: Tapes, tmp_path: Path) -> None:
    """The question at the position is printed, and what an answer is worth, of a live script too."""
    spec = RunSpec("lesson.py", str(tmp_path / "live.tape"))
    live = Debugger.launch(spec, (sys.executable, DEBUGGEE, str(tapes("lesson"))))
    for debugger in (Debugger.open(str(tapes("lesson"))), live):
        out: list[str] = []
        commands = "step 3; answer; answer [7, 9]; answer [7 9 11 13]; expect event.name == 'AddBackward0'"
        try:
            prepare(commands).run(debugger, Style(), out.append)
        finally:
            debugger.close()
        assert out == [
            "Question 1 of 3: what will c be once line 11 has run?\n",
            "✗ not yet: the right value has 4 elements, yours has 2. Hint: 5 is added to each element\n",
            "✓ right: c is [7, 9, 11, 13]\n",
        ]
