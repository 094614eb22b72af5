"""A tape that cannot be written any more while its script runs: the recording ends with a sentence, not the script."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradb.tape.writer import TapeWriter
from tests.e2e.gradb_process import DEADLINE, SCRIPTS, Done, WarmProcess, gradb

_SCRIPT = """
import os, resource, signal, sys, time
tape = sys.argv[1]
print("before", flush=True)
time.sleep(0.5)
{act}
for number in range(600):
    print("after", number, "x" * 100)
time.sleep(0.5)
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
        "resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, resource.RLIM_INFINITY))",
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


_FULL = "the disk does not take it: it is full, or files may not become larger"


def limited(size: int, *words: str | Path, cwd: Path, comment: str = "") -> Done:
    """Run gradb where no file may become larger than some bytes."""
    (cwd / "script.py").write_text(f"import sys\nprint('hello')\nsys.exit(3)\n# {comment}\n")
    command = [sys.executable, str(SCRIPTS / "limited.py"), str(size), *map(str, words)]
    env, pipe = os.environ | {"TMPDIR": str(cwd)}, subprocess.PIPE  # a file could not be written to either
    with WarmProcess(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as one:
        out, err = one.communicate(timeout=DEADLINE)
    return Done(one.returncode, out, err)


@pytest.mark.parametrize(
    "words",
    [
        ("record", "-o", "run.tape", "script.py"),
        ("run", "-o", "run.tape", "-e", "finish", "script.py"),
        ("show", "--pane", "output", "script.py"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("size", [8_000, 50_000])
def test_where_no_tape_can_be_laid_out_the_script_is_not_begun(
    words: tuple[str, ...], size: int, tmp_path: Path
) -> None:
    """One sentence, exit code 2, and nothing is left."""
    done = limited(size, *words, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    (said,) = done.err.splitlines()
    assert said.startswith("gradb: cannot write ")
    assert said.endswith(f".tape: {_FULL}")
    assert [one.name for one in tmp_path.iterdir()] == ["script.py"]


def test_where_no_folder_for_a_tape_can_be_made_that_is_said(tmp_path: Path) -> None:
    """On a disk that takes nothing at all."""
    done = limited(0, "show", "--pane", "output", "script.py", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    (said,) = done.err.splitlines()
    assert said.startswith("gradb: cannot make a temporary folder: ")


def test_a_tape_that_takes_hardly_a_row_ends_the_recording_and_not_the_script(tmp_path: Path) -> None:
    """The script's output and exit code stand, and the tape says why there is nothing on it."""
    with contextlib.closing(TapeWriter(tmp_path / "measured.tape", is_indexed=False)):
        size = os.path.getsize(tmp_path / "measured.tape-wal")
    done = limited(size, "record", "-o", "run.tape", "script.py", cwd=tmp_path, comment="x" * (size * 9 // 10))
    assert (done.code, done.out) == (3, "hello\n")
    (said,) = done.err.splitlines()
    assert said.startswith(("gradb: the recording ends after event ", "gradb: not recorded since event "))
    assert f"the tape cannot be written any more: {_FULL}" in said
    shown = gradb("show", "--pane", "output", "run.tape", cwd=tmp_path)
    assert shown.code == 0
    assert re.search(r"not recorded since event \d: the tape cannot be written any more", shown.out)
