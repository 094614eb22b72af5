"""What of a tape can be run again here: only the user's own files, where they are what they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.debugger.errors import UserError
from gradb.debugger.rerun.origin import hash_seed, spec_of, versions
from gradb.debugger.rerun.watched import of_tape
from gradb.link.spec import RunSpec
from tests.unit.debugger.rerun.conftest import SCRIPT, MakeTape


def test_a_script_that_is_as_it_was(make_tape: MakeTape, tmp_path: Path) -> None:
    """Script, arguments, folder and seed are those of the tape; it stays to be asked."""
    tape = make_tape(arguments='["--epochs", "3"]', seed="7", hash_seed="5")
    expected = RunSpec("train.py", "", arguments=("--epochs", "3"), seed=7, cwd=str(tmp_path))
    assert spec_of(tape) == expected
    assert hash_seed(tape) == "5"
    first = of_tape(tape.path)
    assert (first.spec, first.iteration, first.consent.is_from_tape) == (expected, None, True)


def test_a_changed_script_is_refused(make_tape: MakeTape, tmp_path: Path) -> None:
    """One other character, and nothing is run."""
    tape = make_tape()
    (tmp_path / "train.py").write_text(SCRIPT + "#\n")
    with pytest.raises(UserError, match=r"train\.py is not what it was when .* was recorded"):
        spec_of(tape)
    with pytest.raises(UserError, match="is not what it was"):
        of_tape(tape.path)


def test_a_changed_helper_is_refused(make_tape: MakeTape, tmp_path: Path) -> None:
    """The same holds for every file of the user's that is on the tape; one that is not here now cannot be run."""
    helper = tmp_path / "helper.py"
    helper.write_text("x = 1\n")
    tape = make_tape(sources={str(helper): "x = 1\n", "/somewhere/else.py": "y\n"})
    assert spec_of(tape).script == "train.py"
    helper.write_text("x = 2\n")
    with pytest.raises(UserError, match=r"helper\.py is not what it was"):
        spec_of(tape)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"cwd": "/no/such/folder"}, "was recorded in /no/such/folder, which is not here"),
        ({"cwd": ""}, "was recorded in an unknown folder"),
        ({"script": "other.py"}, "has not the text of .*other.py"),
        ({"script": "/etc/passwd"}, "has not the text of /etc/passwd"),
        ({"script": "", "module": "no_such_module"}, "no module named 'no_such_module'"),
        ({"script": "", "module": ""}, "no module named ''"),
        ({"script": "", "module": "json.tool"}, "has not the text of .*tool.py"),
        ({"stdin": '["/no/such/file", 1, 2]'}, "standard input from /no/such/file"),
    ],
)
def test_what_cannot_be_run_is_refused(make_tape: MakeTape, facts: dict[str, str], why: str) -> None:
    """A stranger's tape can name any file: without the text of it on the tape nothing is run."""
    with pytest.raises(UserError, match=why):
        spec_of(make_tape(**facts))


def test_a_missing_script_is_refused(make_tape: MakeTape, tmp_path: Path) -> None:
    """There has to be a script to run."""
    tape = make_tape()
    (tmp_path / "train.py").unlink()
    with pytest.raises(UserError, match="is not here, or cannot be read"):
        spec_of(tape)


def test_a_module(make_tape: MakeTape, tmp_path: Path) -> None:
    """A module is found from the folder where it was run, and has to be on the tape as well."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("__main__", "train"):
        (package / f"{name}.py").write_text(f"{name} = 1\n")
    for module, file in (("package", "__main__"), ("package.train", "train")):
        tape = make_tape(script="", module=module, sources={str(package / f"{file}.py"): f"{file} = 1\n"})
        assert spec_of(tape) == RunSpec(None, "", module=module, cwd=str(tmp_path))


def test_damaged_facts_say_nothing(make_tape: MakeTape) -> None:
    """Seeds that are none, and other nonsense, are as if they were not there."""
    spec = spec_of(make_tape(seed="x", hash_seed=str(2**40), stdin='{"a": 1}', arguments="[1"))
    assert (spec.seed, spec.stdin, spec.arguments) == (None, None, ())
    assert hash_seed(make_tape(hash_seed=str(2**32))) == ""
    assert hash_seed(make_tape(hash_seed="-1")) == ""


def test_versions_that_differ_are_said(make_tape: MakeTape) -> None:
    """Another Python or torch than that of the tape is said before it is asked."""
    said = versions(make_tape(python="2.7.18", torch="0.4.1"))
    assert [sentence.split(", and here is")[0] for sentence in said] == [
        "it was recorded with Python 2.7.18",
        "it was recorded with torch 0.4.1",
    ]
    assert versions(make_tape()) == []


def test_standard_input_is_that_of_the_tape(make_tape: MakeTape, tmp_path: Path) -> None:
    """A file that is still there is read again."""
    (tmp_path / "in.txt").touch()
    path = str(tmp_path / "in.txt")
    assert spec_of(make_tape(stdin=json.dumps([path, 0, 1]))).stdin == path
