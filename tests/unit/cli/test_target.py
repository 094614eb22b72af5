"""What is to be run is looked at before anything is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gradb.cli.target import check_file, check_module, check_script, check_torch, find_script, is_tape
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
    assert find_script("no_such_scenario") == "no_such_scenario"
    assert find_script("../chain_rule") == "../chain_rule"
    (tmp_path / "chain_rule").write_text("pass\n")
    assert find_script("chain_rule") == "chain_rule"
