"""Commands that start a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradb
from gradb.cli.main import main
from gradb.link.spec import Intervention, RunSpec
from tests.unit.cli.test_main import Captured
from tests.unit.conftest import Tapes


@pytest.fixture
def tape(tapes: Tapes) -> str:
    """Give the tape that is replayed."""
    return str(tapes("chain_rule"))


def test_version_is_that_of_the_package(capsys: Captured) -> None:
    """The version printed is the package's, and beside it stands which accelerator there is."""
    with pytest.raises(SystemExit):
        main(["--version"])
    expected = rf"gradb {gradb.__version__} \((C accelerator(: .+)?|pure Python: .+)\)\ncheckpoints: .+\n"
    assert re.fullmatch(expected, capsys.readouterr().out)


def test_version_says_that_the_accelerator_is_off(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has switched the accelerator off is told so."""
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")
    with pytest.raises(SystemExit):
        main(["--version"])
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"gradb {gradb.__version__} (pure Python: switched off)"
    assert re.fullmatch(r"checkpoints: (Landlock version \d+(, .+)?|none can be made, .+)", second)


def test_commands_may_stand_behind_the_script(script: str, launched: list[RunSpec], capsys: Captured) -> None:
    """``run SCRIPT -e ...`` takes the commands; with commands before the script, all behind it is the script's."""
    assert main(["run", script, "-e", "step", "--epochs", "3"]) == 0
    assert main(["run", "-e", "step", script, "-e", "5"]) == 0
    assert [spec.arguments for spec in launched] == [("--epochs", "3"), ("-e", "5")]
    assert capsys.readouterr().err == ""


def test_run_keeps_the_tape_where_it_is_told_to(script: str, launched: list[RunSpec], tmp_path: Path) -> None:
    """A headless run leaves no tape, but with -o it does, finished as far as it went."""
    assert main(["run", "-o", str(tmp_path / "kept.tape"), "-e", "step 3", script]) == 0
    assert main(["run", "-e", "step 3", script]) == 0
    assert not Path(launched[1].tape).exists()
    assert (
        main(["run", "-e", "finish; expect event.kind == 'end' and event.seq == 4", str(tmp_path / "kept.tape")]) == 0
    )


def test_show_records_a_script_first(script: str, launched: list[RunSpec], capsys: Captured) -> None:
    """Given a script, show runs it to its end with its output kept to itself, and leaves nothing behind."""
    assert main(["show", "--at", "16", "--pane", "grads", script, "--at", "3"]) == 0
    assert "[28 36 44 52]" in capsys.readouterr().out
    (spec,) = launched
    assert (spec.arguments, spec.passes_output, spec.is_paused_at_start) == (("--at", "3"), False, False)
    assert not Path(spec.tape).parent.exists()


def test_record_passes_everything_on(script: str, launched: list[RunSpec], tmp_path: Path) -> None:
    """Record makes the order that the command line asks for."""
    (tmp_path / "in").write_text("5\n")
    words = ["record", "-o", str(tmp_path / "t.tape"), "--stdin", str(tmp_path / "in"), script, "-o", "x"]
    assert main(words) == 0
    (spec,) = launched
    assert spec == RunSpec(
        script, str(tmp_path / "t.tape"), arguments=("-o", "x"), stdin=str(tmp_path / "in"),
        is_paused_at_start=False, passes_output=True,
    )  # fmt: skip
    assert Path(spec.tape).exists()


def test_plain_tells_a_script(script: str, launched: list[RunSpec], capsys: Captured, tmp_path: Path) -> None:
    """Its tape is kept only where that is said, and what stands behind the script is the script's."""
    assert main(["--plain", "--zero-grad", "off", script, "--plain"]) == 0
    assert main(["--plain", "-o", str(tmp_path / "kept.tape"), "-m", "json.tool"]) == 0
    assert capsys.readouterr().out.count("| tensor([28., 36., 44., 52.])") == 2
    first, second = launched
    assert (first.arguments, first.is_paused_at_start, first.module) == (("--plain",), True, None)
    assert first.interventions == (Intervention("zero_grad", "off"),)
    assert not Path(first.tape).exists()
    assert second.module == "json.tool"
    assert Path(second.tape).exists()
