"""A tape that cannot be written any more while its script runs: the recording ends with a sentence, not the script."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.gradb_process import gradb

_SCRIPT = """
import os, resource, signal, sys
tape = sys.argv[1]
print("before", flush=True)
{act}
for number in range(600):
    print("after", number, "x" * 100)
print("over", file=sys.stderr)
sys.exit(3)
"""


@dataclass(frozen=True)
class Loss:
    """Something that befalls a tape."""

    name: str
    act: str
    why: str
    left: str
    """Where what was written is, with FILE for the tape; empty where nothing is."""


LOSSES = [
    Loss("removed", "os.remove(tape)", "its file was removed or moved away", ""),
    Loss("moved", "os.rename(tape, tape + '.moved')", "its file was removed or moved away", "FILE.moved"),
    Loss(
        "replaced",
        "open(tape + '.new', 'w').write('mine'); os.replace(tape + '.new', tape)",
        "another file is in its place",
        "",
    ),
    Loss(
        "full",
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(tape + '-wal') + 9000, resource.RLIM_INFINITY))",
        "the disk does not take it: it is full, or files may not become larger",
        "FILE",
    ),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_recording_ends_with_one_sentence(loss: Loss, tmp_path: Path) -> None:
    """It says why, the script's exit code stands, and what was written opens."""
    (tmp_path / "script.py").write_text(_SCRIPT.format(act=loss.act))
    tape = tmp_path / "run.tape"
    done = gradb("record", "-o", tape, "script.py", tape, cwd=tmp_path)
    assert done.code == 3
    assert done.out.endswith(f"after 599 {'x' * 100}\n")
    (said,) = (line for line in done.err.splitlines() if line.startswith("gradb: "))
    assert said.startswith("gradb: the recording ends after event ")
    assert said.endswith(f": the tape cannot be written any more: {loss.why}; the script goes on without it")
    assert ".py:" not in said
    if loss.name == "replaced":
        assert tape.read_text() == "mine"
    if loss.left != "FILE":
        assert not list(tmp_path.glob("run.tape-*"))
    if loss.left:
        shown = gradb("show", "--pane", "output", loss.left.replace("FILE", str(tape)), cwd=tmp_path)
        assert shown.code == 0
        assert "not recorded since event" in shown.out


def test_a_tape_that_is_gone_when_the_script_is_over_is_told(tmp_path: Path) -> None:
    """Nothing was left to be written, and so nothing failed: the exit code is the script's."""
    (tmp_path / "script.py").write_text("import os, sys\nprint('hello', flush=True)\nos.remove(sys.argv[1])\n")
    done = gradb("record", "-o", tmp_path / "run.tape", "script.py", tmp_path / "run.tape", cwd=tmp_path)
    assert done.code == 0
    assert done.out == "hello\n"
    assert done.err.count("gradb: ") == 1
    assert "removed or moved away" in done.err
    assert not os.path.exists(tmp_path / "run.tape")
