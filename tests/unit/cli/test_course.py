"""The course: which scripts are lessons, in what order, and what is remembered of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.cli import config, course, folders, progress
from gradb.cli.course import Lessons, lessons
from gradb.cli.scenarios import CHAPTERS, is_scenario, scenario_path
from gradb.cli.starting import launch
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec

NAMES = [name for names in CHAPTERS.values() for name in names]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of state of one's own, and return the file that is to be there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folders.lessons_file()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[RunSpec]:
    """Start nothing, and return what was to be."""
    specs: list[RunSpec] = []

    def keep(spec: RunSpec) -> Any:
        specs.append(spec)

    monkeypatch.setattr(Debugger, "launch", keep)
    monkeypatch.setattr(course, "check_torch", lambda: None)
    return specs


def path_of(name: str) -> str:
    path = scenario_path(name)
    assert path is not None
    return path


def test_lessons_are_begun_and_done(file: Path) -> None:
    """What is done stays done; nobody but the user may read the file."""
    assert (progress.progress(), Lessons().summary()) == ({}, f"0 of {len(NAMES)} lessons done")
    progress.note("chain_rule", "begun")
    progress.note("chain_rule", "done")
    progress.note("chain_rule", "begun")
    progress.note("matmul", "begun")
    assert progress.progress() == {"chain_rule": "done", "matmul": "begun"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {each.name: each.mark for each in lessons() if each.mark} == {"chain_rule": "done", "matmul": "begun"}
    assert Lessons().summary() == f"1 of {len(NAMES)} lessons done"


def test_two_at_once_lose_nothing(file: Path) -> None:
    """What another has added meanwhile is still there; a name that is no lesson does not count."""
    progress.note("chain_rule", "done")
    with file.open("a") as other:
        other.write("done matmul\ndone of_a_newer_gradb\n")
    progress.note("mlp", "done")
    assert list(progress.progress()) == ["chain_rule", "matmul", "of_a_newer_gradb", "mlp"]
    assert Lessons().summary() == f"3 of {len(NAMES)} lessons done"


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_the_file(file: Path, content: bytes) -> None:
    """Lines that are no marks are passed over, and what is added behind them counts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"done mlp\n" + content + b"\n")
    progress.note("chain_rule", "done")
    assert {"mlp": "done", "chain_rule": "done"}.items() <= progress.progress().items()


def test_what_is_no_file_is_left_alone(file: Path) -> None:
    """A folder in its place, a pipe that nobody writes to, a file that only grows: nothing is remembered or said."""
    file.mkdir(parents=True)
    progress.note("mlp", "done")
    assert progress.progress() == {}
    file.rmdir()
    os.mkfifo(file)
    progress.note("mlp", "done")
    assert progress.progress() == {}
    file.unlink()
    file.write_text("x" * (1 << 17))
    progress.note("mlp", "done")
    assert file.stat().st_size == 1 << 17
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("in the way")
    progress.note("mlp", "done")
    assert progress.progress() == {}


def test_what_was_done_is_forgotten(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``gradb config --forget-lessons`` says what it did, and what is in its way."""
    progress.note("mlp", "done")
    assert config.run(["--forget-lessons"]) == 0
    assert progress.progress() == {}
    assert config.run(["--forget-lessons"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"forgotten which lessons were begun and done ({file})", "nothing was remembered of the lessons"]
    file.mkdir()
    with pytest.raises(UserError, match="cannot be forgotten"):
        config.run(["--forget-lessons"])
    with pytest.raises(UserError, match="not both"):
        config.run(["--forget-lessons", "--json"])


def test_a_script_is_a_lesson_by_its_path(tmp_path: Path) -> None:
    """However it is named; a script of the same name elsewhere is none."""
    path = Path(path_of("chain_rule"))
    (tmp_path / "chain_rule.py").write_text("pass\n")
    lesson = Lessons().of(f"{path.parent.name}/chain_rule.py", str(path.parent.parent))
    assert lesson is not None
    assert (lesson.name, lesson.path, lesson.group) == ("chain_rule", str(path), "The chain rule")
    assert is_scenario(os.path.relpath(path))
    assert Lessons().of("chain_rule.py", str(path.parent)) == lesson
    assert Lessons().of("chain_rule.py", str(tmp_path)) is None
    assert Lessons().of("train.py", str(path.parent)) is None
    assert Lessons().of("\0/chain_rule.py", "") is None


def test_lessons_follow_each_other(file: Path) -> None:
    """Through all chapters, to the last one."""
    each, found = Lessons().of(path_of(NAMES[0]), ""), []
    while each is not None:
        found.append(each.name)
        each = Lessons().after(each)
    assert found == NAMES


def test_a_lesson_that_is_opened_is_begun(file: Path, launched: list[RunSpec], tmp_path: Path) -> None:
    """And what is no lesson is a recent script; once it is over it is done."""
    course_ = Lessons()
    lesson = course_.of(path_of("mlp"), "")
    assert lesson is not None
    course_.start(lesson)
    assert [spec.script for spec in launched] == [path_of("mlp")]
    assert progress.progress() == {"mlp": "begun"}
    launch(RunSpec(script=str(tmp_path / "mlp.py"), tape=str(tmp_path / "a.tape")))
    assert progress.progress() == {"mlp": "begun"}
    course_.end(lesson)
    assert progress.progress() == {"mlp": "done"}
