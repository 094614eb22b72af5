"""``gradb check`` and ``gradb rule``: what is asked of the debuggee, what is refused, and what is printed where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.cli import check, rule
from gradb.cli.main import main
from gradb.debugger.errors import UserError
from tests.fakes import examples
from tests.unit.diagnosis.rows import TABLE, alone

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone():
        yield


@pytest.fixture
def tape(tmp_path: Path) -> str:
    """Return the tape of three iterations."""
    examples.training(tmp_path / "train.tape")
    return str(tmp_path / "train.tape")


def test_a_recording_is_judged_as_it_is(tape: str, capsys: Captured) -> None:
    """Options may stand behind it, as it takes no arguments."""
    assert check.run([tape, "--select", "G901", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "G901"
    assert check.run(["--select", "G99", "--github", tape]) == 0
    assert capsys.readouterr().out.splitlines() == ["nothing found in 3 iterations", "1 rule judged"]


REFUSED: tuple[tuple[list[str], str], ...] = (
    (["--select", "G8", "TAPE"], "there is no rule 'G8'"),
    (["--ignore", "g9O1", "TAPE"], "there is no rule 'G9O1': did you mean G901? (`gradb rule` lists them)"),
    (["--select", ",,", "TAPE"], "--select names no rule (`gradb rule` lists them)"),
    (["--ignore", ",,", "TAPE"], "--ignore names no rule (`gradb rule` lists them)"),
    (["--select", "", "SCRIPT"], "--select names no rule (`gradb rule` lists them)"),
    (["--steps", "3", "TAPE"], "--steps and -o go with a script"),
    (["-o", "x", "TAPE"], "--steps and -o go with a script"),
    (["--steps", "0", "SCRIPT"], "--steps takes a whole number from 1, or all, not '0'"),
    (["--steps", "some", "SCRIPT"], "--steps takes a whole number from 1, or all, not 'some'"),
    (["--json", "--github", "TAPE"], "not allowed with"),
    ([], "give a script to run, or -m MODULE"),
)


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_is_refused(words: list[str], sentence: str, tape: str, script: str) -> None:
    """In one sentence, before anything is run."""
    given = {"TAPE": tape, "SCRIPT": script}
    with pytest.raises(UserError) as caught:
        check.run([given.get(word, word) for word in words])
    assert sentence in str(caught.value)


def test_a_rule_is_printed(capsys: Captured) -> None:
    """In full, or all of them in a line each; as JSON too."""
    assert rule.run(["g951"]) == 0
    assert capsys.readouterr().out.startswith("G951 step is there (hint)\n")
    assert rule.run([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(TABLE)
    assert rule.run(["--json", "G951"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == "more than 0 steps"
    assert rule.run(["--json"]) == 0
    assert [one["code"] for one in json.loads(capsys.readouterr().out)] == list(TABLE)


def test_rules_that_begin_alike_are_listed(capsys: Captured) -> None:
    """As --select takes them."""
    assert rule.run(["g90"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["G901", "G902", "G903"]
    assert rule.run(["--json", "G99"]) == 0
    assert [one["code"] for one in json.loads(capsys.readouterr().out)] == ["G991"]


def test_an_unknown_rule_is_one_sentence(capsys: Captured) -> None:
    """With the one that may be meant, and exit code 2."""
    assert main(["rule", "G9O1"]) == 2
    assert capsys.readouterr().err == "gradb: there is no rule 'G9O1': did you mean G901?\n"
