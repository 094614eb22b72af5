"""Scenarios, recent tapes and output files."""

from __future__ import annotations

import ast
import fcntl
import os
from pathlib import Path

import pytest

from gradb.cli import browse, pick, recent, recordings, tapes
from gradb.cli.scenarios import CHAPTERS, scenario_path, scenarios
from gradb.debugger.errors import UserError
from gradb.tui.entries import Entry
from tests.fakes import TapeBuilder
from tests.fakes.again import lived_again, watched_run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cache" / "gradb"


def test_scenarios_come_in_the_order_to_learn() -> None:
    """Each scenario has a title and a lesson of one line, the graph first."""
    found = scenarios()
    assert [each.name for each in found] == [name for names in CHAPTERS.values() for name in names]
    for scenario in found:
        assert scenario.title
        assert "\n" not in scenario.title + scenario.lesson
        assert ast.get_docstring(ast.parse(Path(scenario.path).read_text(encoding="utf-8")))


def test_recent_tapes_are_kept_up_to_twenty(cache: Path) -> None:
    """The newest tapes are kept, older ones go with what was lived again of them, one that is being written stays."""
    folder = recordings.recent_folder()
    assert folder == cache
    for i in range(30):
        (folder / f"{i:02}.tape").write_bytes(b"x")
        os.utime(folder / f"{i:02}.tape", (i, i))
        (folder / f"{i:02}.relived").mkdir()
        (folder / f"{i:02}.relived" / "3.tape").write_bytes(b"x")
    (folder / "00.tape-wal").write_bytes(b"x")
    path = Path(tapes.new_recent_tape("some dir/tr ain.py"))
    assert path.parent == folder
    assert path.name.startswith("tr_ain-")
    names = {tape.name for tape in recordings.recent_tapes()}
    assert names == {"00.tape", *(f"{i:02}.tape" for i in range(11, 30))}
    assert {each.stem for each in folder.glob("*.relived")} == {Path(name).stem for name in names}


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there can be no cache, tapes go to the folder of temporary files."""
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    assert recordings.recent_folder().parent == tmp_path / "temporary"


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


def test_what_was_lived_again_of_the_old_run_goes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said how much that was; what is something else stays."""
    watched_run(tmp_path / "x.tape")
    for iteration in (3, 9):
        lived_again(tmp_path / "x.tape", iteration)
    (tmp_path / "x.relived" / "note.txt").write_text("mine")
    for _ in range(2):
        with tapes.output(str(tmp_path / "x.tape")):
            pass
    said = f"{tmp_path / 'x.tape'} is recorded anew: 2 iterations that were lived again of its old run are removed"
    assert capsys.readouterr().err == f"gradb: {said}\n"
    assert [each.name for each in (tmp_path / "x.relived").iterdir()] == ["note.txt"]


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


def test_picker_offers_what_was_last_and_the_scenarios(cache: Path, tmp_path: Path) -> None:
    """What cannot be read or was left before its end is not there, nor is a lesson's run; lessons stand in chapters."""
    folder = recordings.recent_folder()
    TapeBuilder.chain_rule_example(folder / "a.tape")
    with TapeBuilder(folder / "left.tape") as left:
        left.set_run(status="ended without notice")
    (folder / "broken.tape").write_text("hello\n" * 100)
    with TapeBuilder(folder / "lesson.tape") as lesson_tape:
        lesson_tape.set_run(script=str(scenario_path("chain_rule")), status="finished")
    (tmp_path / "train.py").write_text("pass\n")
    recent.remember_script(str(tmp_path / "train.py"), ("--name", "a b"))
    offer = pick.Offer()
    groups = list(dict.fromkeys(entry.group for entry in offer.with_recordings()))
    assert groups[:3] == ["Recent scripts", "Recent recordings", "The graph"]
    script, tape, lesson, *_, last = offer.with_recordings()
    assert (script.title, script.arguments, script.cwd) == ("train.py --name 'a b'", ("--name", "a b"), str(Path.cwd()))
    assert (tape.path, tape.title) == (str(folder / "a.tape"), "chain_rule.py")
    assert "19 events, finished" in tape.about
    assert (lesson.name, last.is_folder) == (next(iter(CHAPTERS["The graph"])), True)


def test_every_scenario_stands_in_one_chapter() -> None:
    """A new one is put where it belongs, each name there has its file, and the chapters are not torn apart."""
    found = scenarios()
    assert sorted(each.name for each in found) == sorted(name for names in CHAPTERS.values() for name in names)
    assert list(dict.fromkeys(each.chapter for each in found)) == list(CHAPTERS)


def test_picked_tape_is_opened(cache: Path, tmp_path: Path) -> None:
    """A tape that is picked is opened at its start, and remembered where it is not one of the recent ones."""
    for path in (recordings.recent_folder() / "a.tape", tmp_path / "b.tape"):
        TapeBuilder.chain_rule_example(path)
        offer = pick.Offer()
        debugger = offer.start(Entry(str(path), "a tape"))
        assert (debugger.position, debugger.head, debugger.is_live) == (0, 19, False)
        assert offer.started == [debugger]
        debugger.close()
    assert [each.path for each in recent.recents()] == [str(tmp_path / "b.tape")]


def test_what_cannot_be_picked_is_refused(cache: Path, tmp_path: Path) -> None:
    """In a sentence, as on the command line; and it is not remembered."""
    (tmp_path / "bad.py").write_text("x = (\n")
    (tmp_path / "bad.tape").write_text("no tape")
    offer = pick.Offer()
    for name, sentence in (("bad.py", "syntax error"), ("bad.tape", "not a gradb tape"), ("no.py", "no such file")):
        with pytest.raises(UserError, match=sentence):
            offer.start(Entry(str(tmp_path / name), name))
    assert (offer.started, recent.recents()) == ([], [])


def test_what_was_opened_is_remembered(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest first, each once, as long as it is there; at most thirty."""
    monkeypatch.chdir(tmp_path)
    for name in [f"{i}.py" for i in range(40)]:
        (tmp_path / name).touch()
        recent.remember_script(name, ())
    recent.remember_script("20.py", ())
    recent.remember_script("20.py", ("-v",))
    recent.remember_tape("39.py")
    (tmp_path / "30.py").unlink()
    found = recent.recents()
    assert [(Path(each.path).name, each.arguments, each.is_script) for each in found][:4] == [
        ("39.py", (), False),
        ("20.py", ("-v",), True),
        ("20.py", (), True),
        ("38.py", (), True),
    ]
    assert len(found) == 29


STRANGE = (
    "",
    "no JSON",
    "{}",
    "[" * 100_000,
    '[1, null, {"path": 3}, {"path": "a\\u0000b", "arguments": [], "cwd": "", "at": 0}]',
    '[{"path": "x", "arguments": [1], "cwd": "", "at": 0}, {"path": "x", "arguments": [], "cwd": "", "at": "now"}]',
    "\xff",
)


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_remembered_is_read_as_a_strangers(text: str, cache: Path, tmp_path: Path) -> None:
    """What is not as it is written is passed over, and written anew."""
    file = tmp_path / "state" / "gradb" / "recent.json"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="latin-1")
    assert recent.recents() == []
    recent.remember_tape(__file__)
    assert [each.path for each in recent.recents()] == [__file__]


def test_where_nothing_can_be_remembered_nothing_is_said(cache: Path, tmp_path: Path) -> None:
    """It is a convenience, and no reason to fail."""
    (tmp_path / "state").write_text("a file")
    recent.remember_tape(__file__)
    assert recent.recents() == []


def test_files_that_a_path_may_come_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders first, then scripts and tapes, hidden ones where that is typed, any file that is named in full."""
    for name in ("b.py", "A.tape", "notes.txt", ".hid.py", "sub/c.py", "__pycache__/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def paths(text: str) -> list[str]:
        return [entry.path for entry in browse.files(text)]

    assert paths("") == ["A.tape", "b.py"]
    assert paths("./") == paths(".") == ["./sub/", "./A.tape", "./b.py"]
    assert paths("./a") == ["./A.tape"]
    assert paths("~") == ["~/sub/", "~/A.tape", "~/b.py"]
    assert paths("./.") == ["./.hid.py"]
    assert paths("./notes.txt") == ["./notes.txt"]
    assert paths(f"{tmp_path}/sub/") == [f"{tmp_path}/sub/c.py"]
    for nowhere in ("no/such/", "~nobody_at_all/", "a\0/", "./b.py/"):
        assert paths(nowhere) == []
