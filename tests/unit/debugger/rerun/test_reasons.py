"""Why a script did not do the same again: what is known to be another, and what is likely."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.rerun.reasons import reasons
from gradb.tape.written import Write
from tests.unit.debugger.rerun.conftest import MakeTape


def _said(first: MakeTape, one: dict[str, str], two: dict[str, str], text: str = "x = 1\n") -> list[str]:
    return [
        f"{'known' if reason.is_known else 'likely'}: {reason.text}"
        for reason in reasons(first(text, **one), first(text, **two))
    ]


@pytest.mark.parametrize(
    ("key", "then", "now", "expected"),
    [
        ("python", "3.11.7", "3.12.1", "known: Python: 3.11.7 then, 3.12.1 now"),
        ("torch", "2.12.0", "2.13.0", "known: torch: 2.12.0 then, 2.13.0 now"),
        ("system", "Linux x86_64", "Darwin arm64", "known: the system: Linux x86_64 then, Darwin arm64 now"),
        ("cpus", "8", "2", "known: CPUs: 8 then, 2 now"),
    ],
)
def test_what_it_runs_on(make_tape: MakeTape, key: str, then: str, now: str, expected: str) -> None:
    """Another Python, torch, system or number of CPUs is known; where a tape does not tell, nothing is said."""
    seed = {"seed": "1"}
    assert _said(make_tape, {key: then, **seed}, {key: now, **seed}) == [expected]
    assert _said(make_tape, {key: then, **seed}, {key: then, **seed}) == []
    assert _said(make_tape, {key: then, **seed}, seed) == []


def test_no_seed_is_likely(make_tape: MakeTape) -> None:
    """A script without a seed of its own or of gradb's draws other numbers; with either of them it does not."""
    (said,) = _said(make_tape, {"seed": ""}, {"seed": ""})
    assert said == "likely: random numbers: no seed was given by --seed, and no torch.manual_seed is in the source"
    assert _said(make_tape, {"seed": "7"}, {"seed": "7"}) == []
    assert _said(make_tape, {}, {}, "import torch\ntorch.manual_seed(0)\n") == []


def test_a_file_that_has_been_changed_is_known(make_tape: MakeTape) -> None:
    """The texts of both tapes are compared, a helper's too."""
    one = make_tape("import helper\n", {"/a/helper.py": "x = 1\n"}, seed="1")
    two = make_tape("import helper\n", {"/a/helper.py": "x = 2\n"}, seed="1")
    assert [reason.text for reason in reasons(one, two)] == ["/a/helper.py has been changed in between"]


def test_files_that_the_first_run_made(make_tape: MakeTape, tmp_path: Path) -> None:
    """A file that was first there for the second run may be what that goes on from."""
    (tmp_path / "last.pt").touch()
    writes = tuple(Write(str(tmp_path / name), "opened", was_there=False) for name in ("last.pt", "gone.tmp"))
    (reason,) = reasons(make_tape(writes=writes), make_tape())
    assert (reason.text, reason.is_known) == ("files that the first run made, and the next finds: last.pt", False)


def test_hashes_matter_where_there_are_sets(make_tape: MakeTape) -> None:
    """Another seed of Python's hashes is a reason for a script that has sets, and for no other."""
    one, two = {"hash_seed": "", "seed": "1"}, {"hash_seed": "5", "seed": "1"}
    assert _said(make_tape, one, two, "names = {1, 2}\n") == [
        "known: the order of sets (train.py:1), which PYTHONHASHSEED decides"
    ]
    assert _said(make_tape, one, two) == []
    assert _said(make_tape, two, two, "names = {1, 2}\n") == []


def test_standard_input_that_has_been_changed(make_tape: MakeTape) -> None:
    """A file that is read as standard input is told by its size and time of change."""
    one, two = ({"stdin": f'["/a/in.txt", 5, {time}]', "seed": "1"} for time in (1, 2))
    assert _said(make_tape, one, two) == [
        "known: /a/in.txt, which is read as standard input, has been changed in between"
    ]
    assert _said(make_tape, one, one) == []


def test_no_more_than_four_are_told(make_tape: MakeTape) -> None:
    """What is known comes first, and the list stays short."""
    text = "import time, threading, os\ntime.time()\nthreading.Thread()\nos.urandom(1)\nx = {1}\n"
    said = _said(make_tape, {"hash_seed": "1"}, {"hash_seed": "2"}, text)
    assert len(said) == 4
    assert [one.startswith("known") for one in said] == [True, False, False, False]
