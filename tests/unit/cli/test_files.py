"""Scenarios, recent tapes and output files."""

from __future__ import annotations

import ast
import fcntl
import os
from pathlib import Path

import pytest

from gradb.cli import pick, tapes
from gradb.cli.scenarios import scenarios
from gradb.debugger.errors import UserError
from tests.fakes import TapeBuilder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gradb"


def test_scenarios_come_in_the_order_to_learn() -> None:
    """Each scenario has a title and a lesson of one line, the chain rule first."""
    found = scenarios()
    assert found[0].name == "chain_rule"
    for scenario in found:
        assert scenario.title
        assert "\n" not in scenario.title + scenario.lesson
        assert ast.get_docstring(ast.parse(Path(scenario.path).read_text(encoding="utf-8")))


def test_recent_tapes_are_kept_up_to_twenty(cache: Path) -> None:
    """The newest tapes are kept, older ones go, one that is being written stays."""
    folder = tapes.recent_folder()
    assert folder == cache
    for i in range(30):
        (folder / f"{i:02}.tape").write_bytes(b"x")
        os.utime(folder / f"{i:02}.tape", (i, i))
    (folder / "00.tape-wal").write_bytes(b"x")
    path = Path(tapes.new_recent_tape("some dir/tr ain.py"))
    assert path.parent == folder
    assert path.name.startswith("tr_ain-")
    names = {tape.name for tape in tapes.recent_tapes()}
    assert names == {"00.tape", *(f"{i:02}.tape" for i in range(11, 30))}


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there can be no cache, tapes go to the folder of temporary files."""
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    assert tapes.recent_folder().parent == tmp_path / "temporary"


def test_output_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new name is free to use, an old tape is replaced with all that lies beside it, and the path is absolute."""
    monkeypatch.chdir(tmp_path)
    with tapes.output("new.tape") as path:
        assert path == str(tmp_path / "new.tape")
    TapeBuilder.chain_rule_example(tmp_path / "old.tape")
    (tmp_path / "old.tape-wal").write_bytes(b"x")
    (tmp_path / "empty.tape").touch()
    for name in ("old.tape", "empty.tape"):
        with tapes.output(name):
            pass
    assert list(tmp_path.iterdir()) == []


def test_output_spares_what_is_no_tape(tmp_path: Path) -> None:
    """A script, a directory and a pipe are not overwritten, and a missing folder is named."""
    (tmp_path / "train.py").write_text("pass\n")
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (
        ("train.py", "not a tape"),
        ("", "is a directory"),
        ("pipe", "not a regular file"),
        ("no/x.tape", "there is no folder"),
    ):
        with pytest.raises(UserError, match=sentence), tapes.output(str(tmp_path / name)):
            pass
    assert (tmp_path / "train.py").read_text() == "pass\n"
    with pytest.raises(UserError, match="cannot write"), tapes.output("/proc/x.tape"):
        pass


def test_a_tape_has_one_recorder(tmp_path: Path) -> None:
    """While one has it another is refused and removes nothing; afterwards it is free again."""
    path = tmp_path / "a.tape"
    with tapes.output(str(path)):
        path.write_bytes(b"SQLite format 3\0")
        with pytest.raises(UserError, match="another gradb is recording to it"), tapes.output(str(path)):
            pass
        assert path.exists()
    with tapes.output(str(path)):
        assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_recorder_that_was_killed_leaves_locks_nothing(tmp_path: Path) -> None:
    """The lock goes with the process that held it, and its file is used again."""
    (tmp_path / "a.tape-lock").touch()
    with tapes.output(str(tmp_path / "a.tape")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_was_removed_in_between_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for a lock that its owner then removes does not hold what the next one holds."""
    lock = tmp_path / "a.tape-lock"
    real = fcntl.flock

    def late(fd: int, operation: int) -> None:
        if not taken:
            taken.append(fd)
            lock.unlink()
        real(fd, operation)

    taken: list[int] = []
    monkeypatch.setattr("gradb.cli.tapes.fcntl.flock", late)
    with tapes.output(str(tmp_path / "a.tape")):
        assert lock.exists()
        with pytest.raises(UserError, match="another gradb"), tapes.output(str(tmp_path / "a.tape")):
            pass


def test_picker_offers_scenarios_and_recent_tapes(cache: Path) -> None:
    """Each entry has a path, a title, a line about it and its group; what cannot be read is left out."""
    folder = tapes.recent_folder()
    TapeBuilder.chain_rule_example(folder / "a.tape")
    (folder / "broken.tape").write_text("hello\n" * 100)
    entries = pick.entries()
    assert [entry[3] for entry in entries] == ["Scenarios"] * (len(entries) - 1) + ["Recent tapes"]
    path, title, about, _ = entries[-1]
    assert (path, title) == (str(folder / "a.tape"), "chain_rule.py")
    assert "19 events, finished" in about


def test_picked_tape_is_opened(cache: Path) -> None:
    """A tape that is picked is opened at its start."""
    TapeBuilder.chain_rule_example(tapes.recent_folder() / "a.tape")
    debugger = pick.start(str(tapes.recent_folder() / "a.tape"))
    assert (debugger.position, debugger.head, debugger.is_live) == (0, 19, False)
    debugger.close()
