"""What is to be run is looked at before anything is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gradb.cli.target import (
    check_file,
    check_module,
    check_recording,
    check_script,
    check_torch,
    find_script,
    is_tape,
)
from gradb.debugger.errors import UserError
from tests.fakes import TapeBuilder

GOOD = (
    b"print(1)\n",
    b"",
    b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    b"\xef\xbb\xbfx = 1\n",
    b"x = 1\r\ny = 2\r\n",
    "x = 'é'\n".encode(),
    b"x = '\\d'\n",
)
BAD = (
    (b"x = '\xff'\n", "is not UTF-8: line 1 has the byte 0xff"),
    (b"x = 1\ny = 2\nz = '\xe9'\n", "is not UTF-8: line 3 has the byte 0xe9"),
    (b"# coding: klingon\nx = 1\n", "cannot be decoded.*klingon"),
    (b"x = 1\0\n", "null bytes"),
    (b"x = (\n", "syntax error in .*bad.py, line 1: '\\(' was never closed\n    x = \\(\n        \\^"),
    (b"if x:\n    y = 1 +\n", "line 2: invalid syntax\n    y = 1 \\+\n           \\^"),
    (b"def f():\n  x = 1\n y = 2\n", "line 3: unindent"),
    (b"return 1\n", "line 1: 'return' outside function"),
    (b"(" * 100_000, "line 1|cannot be compiled"),
)


@pytest.mark.parametrize("data", GOOD)
def test_good_script_passes(data: bytes, tmp_path: Path) -> None:
    """Whatever Python itself would run passes, coding lines and all, without a warning."""
    (tmp_path / "good.py").write_bytes(data)
    check_script(str(tmp_path / "good.py"))


@pytest.mark.parametrize(("data", "sentence"), BAD)
def test_bad_script_is_refused(data: bytes, sentence: str, tmp_path: Path) -> None:
    """What Python could not run a line of is refused with the reason."""
    (tmp_path / "bad.py").write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        check_script(str(tmp_path / "bad.py"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Missing files, directories, pipes and what cannot be read are told apart."""
    with pytest.raises(UserError, match="no such file"):
        check_script(str(tmp_path / "no.py"))
    with pytest.raises(UserError, match="no such file"):
        check_file("a\0b")
    with pytest.raises(UserError, match="is a directory"):
        check_script(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a regular file"):
        check_script(str(tmp_path / "pipe"))
    (tmp_path / "closed.py").symlink_to("/proc/self/mem")  # nothing else is unreadable to root
    with pytest.raises(UserError, match="cannot read"):
        check_script(str(tmp_path / "closed.py"))


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working directory with packages whose import would be noticed."""
    for folder in ("runs", "runs/sub", "plain"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise SystemError('imported')\n")
    for file in ("runs/__main__.py", "runs/sub/train.py", "single.py"):
        (tmp_path / file).write_text("pass\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["runs", "runs.sub.train", "runs.__main__", "single", "json.tool", "this"])
def test_module_is_found_without_importing_it(name: str, modules: Path) -> None:
    """Modules and packages are found from the working directory, and nothing of them is run."""
    check_module(name)
    assert "runs" not in sys.modules


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "no module named 'nothing'"),
        ("runs.nothing", "no module named 'runs.nothing'"),
        ("single.part", "'single' is not a package"),
        ("plain", "without __main__"),
        ("runs..sub", "not the name of a module"),
        ("", "not the name of a module"),
    ],
)
def test_missing_module_is_refused(name: str, sentence: str, modules: Path) -> None:
    """A module that python -m would not find or run is refused."""
    with pytest.raises(UserError, match=sentence):
        check_module(name)


def test_torch_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the sentence says what still works; a broken finder counts as missing."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"torch is not installed.*gradb open"):
        check_torch()

    def broken(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.util.find_spec", broken)
    with pytest.raises(UserError, match="torch is not installed"):
        check_torch()


def test_tape_is_told_from_a_script(tmp_path: Path) -> None:
    """A file is taken for a tape by its first bytes."""
    TapeBuilder.chain_rule_example(tmp_path / "a.tape")
    (tmp_path / "a.py").write_text("pass\n")
    assert is_tape(str(tmp_path / "a.tape"))
    assert not is_tape(str(tmp_path / "a.py"))
    assert not is_tape(str(tmp_path))
    assert not is_tape(str(tmp_path / "no"))
    assert not is_tape("a\0b")


def test_scenarios_have_short_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario is found by its name where no file is called so, and a file comes first."""
    monkeypatch.chdir(tmp_path)
    assert Path(find_script("chain_rule")).is_file()
    assert Path(find_script("chain_rule.py")).is_file()
    assert find_script("no_such.py") == "no_such.py"
    assert find_script("../chain_rule") == "../chain_rule"
    (tmp_path / "chain_rule").write_text("pass\n")
    assert find_script("chain_rule") == "chain_rule"


NEAR = (
    ("chain_rul", "no such file, scenario or command: chain_rul (did you mean chain_rule?)"),
    ("recrod", "no such file, scenario or command: recrod (did you mean record?)"),
    (
        "record",
        "no such file: record (a command comes first: `gradb record ...`; `gradb --plain` takes a script or tape)",
    ),
    ("train", "no such file, scenario or command: train (did you mean train.py?)"),
    ("qqqq", "no such file, scenario or command: qqqq"),
    ("python", "leave `python` out: `gradb SCRIPT [ARGS ...]` runs a script as Python would"),
    ("trian.py", "no such file: trian.py (did you mean train.py?)"),
    ("a.py", "no such file: a.py"),
    ("runs/epoch1.py", "no such file: runs/epoch1.py (did you mean runs/epoch_1.py?)"),
    ("nowhere/train.py", "no such file: nowhere/train.py"),
    ("runs", "runs is a directory, not a file (did you mean runs/epoch_1.py?)"),
    ("app", "app is a directory, not a file: `gradb app/__main__.py` runs what is in it"),
    ("empty", "empty is a directory, not a file"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working directory with scripts."""
    for file in ("train.py", "b.py", "runs/epoch_1.py", "app/__main__.py", "app/train.py", "empty/notes.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("pass\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "sentence"), NEAR)
def test_what_may_have_been_meant_is_said(name: str, sentence: str, project: Path) -> None:
    """Of a name that is none: a file beside it, a scenario or a command; of a directory a script in it."""
    with pytest.raises(UserError) as caught:
        check_script(find_script(name, ("run", "record")))
    assert str(caught.value) == sentence


OTHER = (
    (
        "x.ipynb",
        b'{"nbformat": 4}',
        r"not a script: make .*`jupyter nbconvert --to script \S+x.ipynb`.*`gradb \S+x.py`",
    ),
    ("nb.py", b' {"cells": [], "nbformat": 4}', "name it nb.ipynb, make a script of it"),
    ("a.tape", b"", "is a recording, not a script: `gradb open .*a.tape` shows it"),
    ("run.py", b"SQLite format 3\0...", "is a recording, not a script"),
    ("w.pt", b"PK\x03\x04", "holds saved values, not a program"),
    ("old", b"\x80\x02\x8a\nl", "holds saved values, not a program"),
    ("app.pyz", b"PK\x03\x04", "is an archive"),
    ("walk.gradb", b"step", "`gradb run --commands .*walk.gradb SCRIPT` carries them out"),
    ("train.sh", b"python train.py", "is a script for a shell"),
    ("go", b"#!/usr/bin/env bash\npython train.py", "is a script for a shell"),
    ("config.json", b'{"lr": 0.1}', "is JSON, not a Python script: give the script that reads it"),
    ("config.yaml", b"lr: 0.1", "is YAML, not a Python script"),
    ("notes.txt", b"two words", "notes.txt is not a Python script: syntax error in .*notes.txt, line 1"),
)


@pytest.mark.parametrize(("name", "data", "sentence"), OTHER)
def test_what_is_no_script_is_named(name: str, data: bytes, sentence: str, tmp_path: Path) -> None:
    """What is something else by its name or content is not run as Python; what to do instead is said."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        check_script(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "data"),
    [("notes.txt", b"print(1)"), ("run", b"#!/usr/bin/env python3\nx = 1"), ("d.py", b'{"nbformat": f()}')],
)
def test_what_python_would_run_passes_whatever_its_name(name: str, data: bytes, tmp_path: Path) -> None:
    """A script need not be named like one, and may begin as a notebook does."""
    (tmp_path / name).write_bytes(data)
    check_script(str(tmp_path / name))


def test_a_script_where_a_recording_is_wanted(project: Path) -> None:
    """What makes a recording of it is said, and that a scenario is none."""
    with pytest.raises(
        UserError,
        match=r"train.py is not a gradb tape, but a script by its name: `gradb record -o FILE train.py` makes one",
    ):
        check_recording("train.py")
    with pytest.raises(UserError, match="chain_rule is a scenario, not a recording: `gradb chain_rule` runs it"):
        check_recording("chain_rule")
    with pytest.raises(UserError, match="no such file"):
        check_recording("a\0b")
    TapeBuilder.chain_rule_example(project / "odd.py")
    check_recording("odd.py")
