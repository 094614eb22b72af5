"""Which files a script has written is on the tape."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from tests.e2e.gradb_process import SCRIPTS, gradb

pytestmark = pytest.mark.e2e


def test_what_a_script_does_to_files_is_told(tmp_path: Path) -> None:
    """Files opened for writing, by torch.save too, moved, removed and made, up to the exit functions; nothing else."""
    folder, tape = tmp_path / "work", tmp_path / "run.tape"
    folder.mkdir()
    for name in ("read.txt", "log.txt", "old.txt"):
        (folder / name).touch()
    done = gradb("record", "-o", tape, SCRIPTS / "writes_files.py", cwd=folder)
    assert (done.code, done.err) == (0, "")
    with Tape.open(tape) as read:
        writes = read.writes
    told = {
        (str(Path(one.path).relative_to(folder)), one.deed, one.was_there)
        for one in writes.kept
        if one.was_there or Path(one.path).exists()
    }
    assert told == {
        ("log.txt", "opened", True),
        ("new", "folder", False),
        ("new/model.pt", "opened", False),
        ("model.pt", "opened", False),
        ("old.txt", "removed", True),
        ("runs.db", "database", False),
        ("low.bin", "opened", False),
        ("copy.txt", "opened", False),
        ("last.txt", "opened", False),
    }
    gone = {Path(one.path).name for one in writes.kept if not one.was_there and not Path(one.path).exists()}
    assert {"model.tmp", "scratch", "folder"} <= gone
    assert not {"child.txt", "other.txt", "read.txt", "null"} & {Path(one.path).name for one in writes.kept}


def test_a_script_that_writes_nothing_is_told_to(tmp_path: Path) -> None:
    """Nothing of gradb's own, of Python's or of torch's is told as the script's."""
    tape = tmp_path / "run.tape"
    assert gradb("record", "-o", tape, "identity_of_training.py").code == 0
    with Tape.open(tape) as read:
        assert [one for one in read.writes.kept if one.was_there or Path(one.path).exists()] == []
