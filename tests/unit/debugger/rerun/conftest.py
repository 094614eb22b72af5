"""Tapes of runs that say what they ran on, with a script beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.writer import TapeWriter
from gradb.tape.written import Write, facts

MakeTape = Callable[..., Tape]
SCRIPT = "import torch\ntorch.manual_seed(0)\n"


@pytest.fixture
def make_tape(tmp_path: Path) -> MakeTape:
    """Return a function that makes a tape of a script, which lies in the test's folder as it was then.

    It takes facts of the run as keywords, the script's text as ``text``, other sources as ``sources`` and what the
    script did to files as ``writes``.
    """
    made: list[Tape] = []

    def make(
        text: str = SCRIPT, sources: dict[str, str] | None = None, writes: tuple[Write, ...] = (), **told: str
    ) -> Tape:
        path = tmp_path / f"{len(made)}.tape"
        script = tmp_path / "train.py"
        script.write_text(text)
        writer = TapeWriter(path)
        for one, its in {str(script): text, **(sources or {})}.items():
            writer.source(one, its)
        usual = {"script": "train.py", "module": "", "arguments": "[]", "cwd": str(tmp_path), "status": "finished"}
        writer.set_run(**usual | facts(0, writes, 0) | told)
        writer.close()
        made.append(Tape.open(path, is_over=True))
        return made[-1]

    return make
