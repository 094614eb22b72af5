"""What the conformance run finds where something is wrong: it can fail."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradb.frame.reader import Tape
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.tensor import Tensor
from tests.conformance.ops.judging import Tally, judge
from tests.fakes import TapeBuilder, diagonal, value


class _Crooked(TapeBuilder):
    """An engine that gives ten times what the local derivative says."""

    def _downstream(self, node: Any, index: int, sent: Any) -> Tensor | None:
        found = super()._downstream(node, index, sent)
        return None if found is None else Tensor(0, None, value([10 * x for x in found.value.numbers() or []]))


def _judged(path: Path, kind: type[TapeBuilder], note: str = "") -> Tally:
    with kind(path) as tape:
        a = tape.leaf("a", [1.0, 2.0])
        b = tape.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], name="b", jacobians=[diagonal([3, 3]), None])
        tape.backward(b, gradient=[1, 1])
        if note:
            tape.event(NoteDetail(note), "note", "gradb", None)
        tape.end()
    with Tape.open(path) as opened:
        return judge(opened)


def test_a_right_tape_is_counted(tmp_path: Path) -> None:
    """Nodes, products and sums are counted, and nothing is wrong."""
    tally = _judged(tmp_path / "t.tape", TapeBuilder)
    assert (tally.nodes, tally.checked, tally.sums) == (2, 1, 1)
    assert (tally.problems, sum(tally.unprobed.values())) == ([], 0)


def test_a_wrong_product_is_a_problem(tmp_path: Path) -> None:
    """An engine that does something else than the local derivative says is found out."""
    tally = _judged(tmp_path / "t.tape", _Crooked)
    assert len(tally.problems) == 1
    assert "MulBackward0" in tally.problems[0]
    assert "differs from the engine in 2 of 2 elements" in tally.problems[0]


def test_a_note_of_gradb_is_a_problem(tmp_path: Path) -> None:
    """A recording that stopped, or had something to say of itself, does not conform."""
    tally = _judged(tmp_path / "t.tape", TapeBuilder, "gradb stopped recording")
    assert tally.problems == ["note: gradb stopped recording"]


def test_a_pane_that_cannot_be_drawn_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event's pane is drawn."""
    monkeypatch.setitem(judge.__globals__["PANES"], "chain", SimpleNamespace(render=lambda frame, options: 1 / 0))
    assert "pane chain: ZeroDivisionError: division by zero" in _judged(tmp_path / "t.tape", TapeBuilder).problems


@pytest.mark.torch
def test_a_run_that_is_not_as_without_gradb_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results, random numbers and what is left in torch are compared with a plain run."""
    import torch

    from tests.conformance.ops import trial
    from tests.conformance.ops.samples import Case
    from tests.tracer.recording import record

    def disturbed(*arguments: Any, **options: Any) -> Any:
        found = record(*arguments, **options)
        torch.rand(1)
        torch.overrides.BaseTorchFunctionMode().__enter__()
        return found

    monkeypatch.setattr(trial, "record", disturbed)
    try:
        problems = trial.attempt(Case("sin", "float64"), 1).problems
    finally:
        torch._C._pop_torch_function_stack()
    assert problems == [
        "sample 0: left in torch: modes",
        "sample 0: the random number generator is in another state",
    ]


@pytest.mark.torch
def test_results_that_differ_in_plain_torch_too_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What plain torch itself gives otherwise from run to run cannot be held against; anything else is a problem."""
    from tests.conformance.ops import trial
    from tests.conformance.ops.samples import Case
    from tests.tracer.recording import record

    def rounded(*arguments: Any, **options: Any) -> Any:
        (outputs, error), tape = record(*arguments, **options)
        return ([output * (1 + 1e-15) for output in outputs], error), tape

    monkeypatch.setattr(trial, "record", rounded)
    case = Case("sin", "float64")
    wrong = trial.attempt(case, 1)
    assert wrong.problems == ["sample 0: outputs differ from plain torch's: number 0 of 1"]
    trial._is_unsteady.cache_clear()
    draws = iter(range(1000))
    plainly = trial._plainly

    def unsteady(op: Any, sample: Any) -> Any:
        found = plainly(op, sample)
        found.outputs.append(str(next(draws)))
        return found

    monkeypatch.setattr(trial, "_plainly", unsteady)
    found = trial.attempt(case, 1)
    assert (found.problems, found.unsteady) == ([], 1)
