"""`gradb why` as a user starts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.gradb_process import ROOT, Done, gradb

pytestmark = pytest.mark.e2e

BORN = "An infinity was born at turns_nan_late.py:11, in the backward of iteration 24"


@pytest.fixture(scope="module")
def watched_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of losses and norms alone."""
    path = tmp_path_factory.mktemp("tapes") / "watched.tape"
    done = gradb("record", "--record", "watch", "-o", path, "turns_nan_late.py")
    assert done.code == 0, done.err
    return path


def _lines(done: Done) -> str:
    return " ".join(done.out.split())


def test_a_script_is_run_again_around_it() -> None:
    """Beyond what is recorded at once the script is run again; its output is printed once, and it did the same."""
    done = gradb("why", "turns_nan_late.py")
    assert done.code == 0
    assert done.out.startswith("done\n")
    assert done.out.count("done\n") == 1
    assert BORN in _lines(done)
    assert "the local derivative 1 / (2·√x) is inf" in _lines(done)
    assert "It became a NaN" in _lines(done)
    assert "the script did the same" in done.err


def test_a_recording_that_was_only_watched(watched_tape: Path) -> None:
    """What a tape names is run again only with leave; without it exit code 2, and why."""
    refused = gradb("why", watched_tape)
    assert refused.code == 2
    assert "only watched" in _lines(refused)
    assert "give --yes to let it" in refused.err
    done = gradb("why", "--yes", watched_tape)
    assert done.code == 0
    assert BORN in _lines(done)


def test_a_recording(tmp_path: Path) -> None:
    """The same from a tape with everything on it, as JSON; an event and an iteration can be named."""
    tape = tmp_path / "full.tape"
    assert gradb("record", "--record", "full@22-26", "-o", tape, "turns_nan_late.py").code == 0
    done = gradb("why", "--json", tape)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["found"]
    assert [born["what"] for born in found["births"]] == ["inf", "nan"]
    assert found["births"][0]["reason"]["code"] == "local-derivative"
    assert found["road"][0]["event"] == found["births"][0]["event"]
    assert found["road"][-1]["event"] == found["event"]
    at = found["road"][1]["event"]
    assert json.loads(gradb("why", "--at", str(at), "--json", tape).out)["event"] == at
    later = json.loads(gradb("why", "--iteration", "25", "--json", tape).out)
    assert later["births"][0]["event"] == found["births"][0]["event"]


def test_nothing_to_find() -> None:
    """A script that stays finite: exit code 1, and a sentence."""
    done = gradb("why", "--record", "full", "scenarios/mlp.py", cwd=ROOT)
    assert done.code == 1
    assert done.out.endswith("No NaN or infinity is on the tape.\n")


ONCE = """\
import pathlib
import torch

seen = pathlib.Path("seen")
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for iteration in range(1, 34):
    optimizer.zero_grad()
    scale = float("inf") if iteration == 31 and not seen.exists() else 1.0
    loss = (w * w).sum() * scale
    loss.backward()
    if iteration == 31:
        seen.touch()
    optimizer.step()
"""


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_script_that_did_not_do_it_again(option: list[str], tmp_path: Path) -> None:
    """What only the first run had is told as that: its birth is not known."""
    (tmp_path / "once.py").write_text(ONCE)
    done = gradb("why", "--yes", *option, "once.py", cwd=tmp_path)
    assert done.code == 2
    assert "In the first run the loss loss:11 was inf in iteration 31; run again, it was not there" in _lines(done)
    assert "where it was born is not known" in _lines(done)
    if option:
        assert not json.loads(done.out)["sure"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--at", "x", "exits.py"], "--at takes a number, or ITERATION:NUMBER"),
        (["--at", "3", "--iteration", "2", "exits.py"], "give --at or --iteration, not both"),
        (["no_such.py"], "no such file"),
        ([], "give a script to run"),
    ],
)
def test_mistakes(words: list[str], sentence: str) -> None:
    """One sentence, exit code 2."""
    done = gradb("why", *words)
    assert done.code == 2
    assert sentence in done.err
