"""What the text of a script shows of what it would still have done, when gradb ended it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.diagnosis.training.intent import later_optimizer, within
from gradb.frame.reader import Tape
from tests.fakes import TapeBuilder

_FIRST = "first = torch.optim.Adam(a, lr=1e-2)\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (_FIRST, None),
        (f"{_FIRST}for step in range(40):\n    if step == 25:\n        second = optim.SGD(b)\n", 4),
        (f"{_FIRST}for step in range(40):\n    pass\nsecond = Adam(b, lr=1e-3)\n", 4),
        (f"{_FIRST}for step in range(40):\n    if step == 25:\n        first.add_param_group(group)\n", 4),
        (f"{_FIRST}scheduler = torch.optim.lr_scheduler.StepLR(first, 10)\n", None),
        (f"{_FIRST}if x:\n    second = SGD(b, lr=0.1)\n", 3),
        ("if x: opt = optim.Adam(a)\nelse:\n    opt = optim.SGD(a, lr=0.1)\n", None),
        ("for s in r:\n    if s: opt = optim.SGD(a)\n    else: opt = optim.Adam(a)\n", 2),
        ("this is no Python", None),
    ],
)
def test_sees_an_optimizer_that_the_script_did_not_come_to(tmp_path: Path, source: str, line: int | None) -> None:
    """One that is made elsewhere counts, but not where it is the other branch of a choice before the training."""
    made = next((number for number, text in enumerate(source.splitlines(), 1) if "Adam(a" in text), 1)
    with _ended(tmp_path / "a.tape", source, made) as tape:
        assert later_optimizer(tape) == line
        assert within(tape) == " in the 20 iterations judged"


def test_asks_nothing_of_a_script_that_ended_by_itself(tmp_path: Path) -> None:
    """What has not happened then never does."""
    with _ended(tmp_path / "a.tape", f"{_FIRST}if x:\n    second = optim.SGD(b)\n", 1, ended=False) as tape:
        assert later_optimizer(tape) is None
        assert not within(tape)


def _ended(path: Path, source: str, made: int, *, ended: bool = True) -> Tape:
    with TapeBuilder(path, "train.py", source) as builder:
        builder.set_run(optimizer_1=json.dumps(["Adam", 0, "train.py", made, [1]]))
        if ended:
            builder.set_run(ended_after="20")
        builder.end(None, "ended by gradb after iteration 20")
    return Tape.open(path, is_over=True)
