"""One case tried: its samples run plainly and under the tracer, the two held against each other and the tape judged."""

from __future__ import annotations

import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from tests.conformance.ops.judging import Tally, judge
from tests.conformance.ops.results import MAX_PROBLEMS, Result
from tests.conformance.ops.samples import NO_DTYPE, Case, Outcome, differentiable, outcome, run, samples
from tests.tracer.installed import installed
from tests.tracer.recording import record


def attempt(case: Case, count: int) -> Result:
    """Try at most ``count`` samples of a case, or all of them where that is 0."""
    result, began = Result(case.op, case.dtype, count), time.monotonic()
    if case.dtype == NO_DTYPE:
        result.problems.append("the CPU differentiates it neither in float64 nor in complex128")
        return result
    op, unprobed = differentiable()[case.op], Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = list(zip(samples(case, count), samples(case, count), strict=True))
        for number, (plain, traced) in enumerate(pairs):
            problems = _attempt_sample(op, plain, traced, result, unprobed)
            result.problems += [f"sample {number}: {problem}" for problem in problems]
    result.samples = len(pairs)
    if not pairs:
        result.problems.append("the database has no sample of it")
    result.unprobed, result.problems = dict(unprobed.most_common()), result.problems[:MAX_PROBLEMS]
    result.seconds = round(time.monotonic() - began, 3)
    return result


def _attempt_sample(op: Any, plain: Any, traced: Any, result: Result, unprobed: Counter[str]) -> list[str]:
    want = _plainly(op, plain)
    before = installed()
    with tempfile.TemporaryDirectory() as folder:
        got, tally = _traced(op, traced, Path(folder, "run.tape"))
    left = [name for name, value in installed().items() if value != before[name]]
    result.nodes += tally.nodes
    result.checked += tally.checked
    result.sums += tally.sums
    result.raised += bool(want.error and want.error == got.error)
    unprobed += tally.unprobed
    difference = want.difference(got)
    return tally.problems + [f"left in torch: {name}" for name in left] + ([difference] if difference else [])


def _plainly(op: Any, sample: Any) -> Outcome:
    outputs, error = _caught(op, sample)
    return outcome(sample, outputs, error)


def _traced(op: Any, sample: Any, path: Path) -> tuple[Outcome, Tally]:
    (outputs, error), tape = record(path, lambda: _caught(op, sample), probe="always", is_stepping=True)
    found = outcome(sample, outputs, error)
    with tape:
        try:
            return found, judge(tape)
        except Exception as failure:
            where = traceback.extract_tb(failure.__traceback__)[-1]
            text = f"reading the tape: {type(failure).__name__}: {failure} ({Path(where.filename).name}:{where.lineno})"
            return found, Tally(problems=[text])


def _caught(op: Any, sample: Any) -> tuple[list[torch.Tensor], str]:
    try:
        return run(op, sample), ""
    except Exception as error:
        return [], f"{type(error).__name__}: {error}"
