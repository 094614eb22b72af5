"""``gradb show --pane paths``: whose paths, and which one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.cli import show
from gradb.debugger.errors import UserError
from tests.fakes import TapeBuilder


@pytest.fixture
def tape(tmp_path: Path) -> str:
    """Return the tape of one weight in three places."""
    path = tmp_path / "shared.tape"
    TapeBuilder.shared_weight_example(path)
    return str(path)


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ([], "w: 4 paths to loss\n"),
        (["--leaf", "w"], "w: 4 paths to loss\n"),
        (["--leaf", "y1", "--path", "2"], "y1: path 2 of 2 to loss\n"),
        (["--path", "4"], "w: path 4 of 4 to loss\n"),
        (["--at", "2"], "no paths yet"),
    ],
)
def test_the_paths_pane(tape: str, capsys: pytest.CaptureFixture[str], options: list[str], begins: str) -> None:
    """Without options all paths of the first leaf; a leaf and a number choose."""
    assert show.run(["--pane", "paths", *options, tape]) == 0
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--pane", "paths", "--path", "x"], "--path takes the number of a path, from 1, not 'x'"),
        (["--pane", "paths", "--path", "-1"], "--path takes the number of a path, from 1, not '-1'"),
        (["--pane", "paths", "--path", "9"], "there is no path 9: w has 4"),
        (["--pane", "paths", "--leaf", "zz"], "this backward does not go to 'zz'"),
        (["--pane", "paths", "--path", "1", "--at", "2"], "none has begun"),
        (["--pane", "chain", "--leaf", "w"], "--leaf and --path go with --pane paths"),
    ],
)
def test_what_cannot_be_shown(tape: str, options: list[str], sentence: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(UserError) as caught:
        show.run([*options, tape])
    assert sentence in str(caught.value)
