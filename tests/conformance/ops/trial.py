"""One case tried: its samples run plainly and under the tracer, the two held against each other and the tape judged."""

from __future__ import annotations

import functools
import os
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from gradb.tracer.probe import measuring, probing
from tests.conformance.ops.judging import Tally, judge
from tests.conformance.ops.results import MAX_PROBLEMS, Result
from tests.conformance.ops.samples import NO_DTYPE, SEED, Case, Outcome, differentiable, outcome, samples
from tests.conformance.ops.script import run
from tests.tracer.installed import installed, left_since
from tests.tracer.recording import record

_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a tape a sample: nothing to wait for a disk for
_REPEATS = 40


def attempt(case: Case, count: int, *, draws_all: bool = True) -> Result:
    """Try at most ``count`` samples of a case, or all of them where that is 0.

    ``draws_all``: panes are drawn of each; else of the last alone.
    """
    result, began = Result(case.op, case.dtype, count), time.monotonic()
    if case.dtype == NO_DTYPE:
        result.problems.append("the CPU differentiates it neither in float64 nor in complex128")
        return result
    op, unprobed = differentiable()[case.op], Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = list(zip(samples(case, count), samples(case, count), strict=True))
        for number, (plain, traced) in enumerate(pairs):
            draws = draws_all or number == len(pairs) - 1
            problems, got, difference = _attempt_sample(op, plain, traced, result, unprobed, draws=draws)
            if difference and _is_excused(case, count, number, got):
                result.unsteady += 1
            elif difference:
                problems.append(difference)
            result.problems += [f"sample {number}: {problem}" for problem in problems]
    result.samples = len(pairs)
    if not pairs:
        result.problems.append("the database has no sample of it")
    result.unprobed, result.problems = dict(unprobed.most_common()), result.problems[:MAX_PROBLEMS]
    result.seconds = round(time.monotonic() - began, 3)
    return result


def _attempt_sample(
    op: Any, plain: Any, traced: Any, result: Result, unprobed: Counter[str], *, draws: bool
) -> tuple[list[str], Outcome, str]:
    """Return what is wrong with the tape or left in torch, what the traced run came to, and how that differs."""
    want = _plainly(op, plain)
    before = installed()
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        got, tally = _traced(op, traced, Path(folder, "run.tape"), draws=draws)
    left = left_since(before)
    result.nodes += tally.nodes
    result.checked += tally.checked
    result.sums += tally.sums
    result.raised += bool(want.error and want.error == got.error)
    unprobed += tally.unprobed
    return tally.problems + [f"left in torch: {name}" for name in left], got, want.difference(got)


def _is_excused(case: Case, count: int, number: int, got: Outcome) -> bool:
    """Tell whether only results differ, in a case of which plain torch itself gives other bits from run to run."""
    again = _plainly(differentiable()[case.op], samples(case, count)[number])
    is_the_rest_same = (got.error, got.inputs, got.rng) == (again.error, again.inputs, again.rng)
    return is_the_rest_same and _is_unsteady(case, count)


@functools.cache
def _is_unsteady(case: Case, count: int) -> bool:
    """Tell whether plain torch comes to other bits from run to run of a case.

    Some routines of LAPACK (least squares) round differently with where their arguments lie in memory. There is then
    nothing to hold the last bits against.
    """
    op, held = differentiable()[case.op], []
    first = [_plainly(op, sample) for sample in samples(case, count)]
    for size in range(_REPEATS):
        held.append(torch.empty(1 + 37 * size))
        again = [_plainly(op, sample) for sample in samples(case, count)]
        if any(one.difference(other) for one, other in zip(first, again, strict=True)):
            return True
    return False


def _plainly(op: Any, sample: Any) -> Outcome:
    outputs, error = _caught(op, sample)
    return outcome(sample, outputs, error)


def _traced(op: Any, sample: Any, path: Path, *, draws: bool) -> tuple[Outcome, Tally]:
    with mock.patch.object(probing, "STEPPING", measuring.ASKED):  # as if `probe` were asked at each node
        (outputs, error), tape = record(path, lambda: _caught(op, sample), probe="always", is_stepping=True)
    found = outcome(sample, outputs, error)
    with tape:
        try:
            return found, judge(tape, draws=draws)
        except Exception as failure:
            where = traceback.extract_tb(failure.__traceback__)[-1]
            text = f"reading the tape: {type(failure).__name__}: {failure} ({Path(where.filename).name}:{where.lineno})"
            return found, Tally(problems=[text])


def _caught(op: Any, sample: Any) -> tuple[list[torch.Tensor], str]:
    try:
        return run(op, sample, SEED), ""
    except Exception as error:
        return [], f"{type(error).__name__}: {error}"
