"""The differential test of the whole table: each row's formula, evaluated on the tape's values, against the engine.

Each op is run under the tracer with a random upstream; the downstream that the rule computes from what is on the tape
is held against the downstream that the engine produced.
"""

from __future__ import annotations

import functools
import math
import tempfile
import warnings
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gradb.frame.chain.record import Chain
from gradb.frame.reader import Tape
from gradb.rules import table
from gradb.rules.bessel import BESSEL
from gradb.rules.factors import FACTORS
from gradb.rules.jacobian import downstream
from gradb.rules.table import lookup, rule_of
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.values import TensorValue
from tests.conformance import rows, test_against_torch as elementwise
from tests.conformance.rows import Row, Spec

pytestmark = pytest.mark.torch

TOLERANCE = 1e-9

COARSE = {"Hardsigmoid": 1e-7}
"""PyTorch's kernel for hardsigmoid takes 1/6 in single precision, whatever the dtype."""

NOT_COMPARED = {"AccumulateGrad", "CopySlices"}
"""The end of the chain sends nothing on, where a view lies in its base is not on the tape: both have their own test."""


def tensor(spec: Spec, generator: Any) -> Any:
    """Return the tensor that a spec describes."""
    import torch

    if isinstance(spec, tuple):
        is_share = spec[:1] == ("+",)
        shape = spec[1:] if is_share else spec
        make = torch.rand if is_share else torch.randn
        made = make(shape, generator=generator, dtype=torch.float64)
        return (made * 0.8 + 0.1 if is_share else made).requires_grad_()
    made = torch.tensor(spec)
    if made.is_floating_point() or made.is_complex():
        return made.to(torch.complex128 if made.is_complex() else torch.float64).requires_grad_()
    return made


def as_row(case: elementwise.Case) -> Row:
    """Return a case of the elementwise test as a row."""
    tensors: dict[str, Spec] = {role: list(numbers) for role, numbers in case.values.items()}
    call = case.call
    for role, number in case.scalars.items():
        call = call.replace(f", {role})", f", {number})").replace(f", {role},", f", {number},")
        call = (
            call.replace(f"={role}", f"={number}")
            .replace(f"** {role}", f"** {number}")
            .replace(f"({role},", f"({number},")
        )
    return Row(case.key, call, tensors)


def apply(given: Row) -> list[Any]:
    """Run an op; return its results that a gradient can flow back from."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    scope = {role: tensor(spec, generator) for role, spec in given.tensors.items()}
    result = eval(given.call, {"torch": torch, "F": functional, **scope})
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [one for one in results if isinstance(one, torch.Tensor) and one.requires_grad]


def backward(given: Row) -> None:
    """Run an op and a backward with a random upstream through it."""
    import torch

    generator, roots = torch.Generator().manual_seed(2), apply(given)
    torch.autograd.backward(roots, [torch.randn(r.shape, generator=generator, dtype=r.dtype) for r in roots])


Outcome = list[Chain] | Exception
"""The records of the nodes that ran in a row's backward, or what its call raised."""


def ran(some: Iterable[Row]) -> list[Outcome]:
    """Record some rows, one after the other on one tape, and return what came of each."""
    from tests.tracer.recording import record

    errors: list[Exception | None] = []

    def run_all() -> None:
        for given in some:
            errors.append(None)
            try:
                backward(given)
            except Exception as error:
                errors[-1] = error

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with record(Path(folder, "t.tape"), run_all, probe="never")[1] as tape:
            found = iter(_backwards(tape))
            return [next(found) if error is None else error for error in errors]


def _backwards(tape: Tape) -> list[list[Chain]]:
    """Return the records of the nodes that ran, one list a backward that came to its end."""
    found: list[list[Chain]] = []
    begun: list[Chain] = []
    for event in tape.events():
        if event.kind == "backward_start":
            begun = []
        elif isinstance(detail := tape.detail(event.seq), BackwardEndDetail) and not detail.error:
            found.append(begun)
        elif event.kind == "node" and event.node and (chain := tape.chain(event.node, event.seq)) is not None:
            begun.append(chain)
    return found


def numbers(value: TensorValue) -> list[float]:
    """Return all parts of all elements."""
    is_complex = value.dtype.startswith("complex")
    return [part for n in value.numbers() or () for part in ((n.real, n.imag) if is_complex else (n.real,))]


def same(left: float, right: float, tolerance: float) -> bool:
    """Compare two numbers, infinities and NaN included."""
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return left == right or math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


ALL = deque([*rows.ROWS, *map(as_row, elementwise.CASES)])  # a list would be looked through for names of tensors


_TOGETHER = 30
"""Rows on one tape: a recording takes longer to begin and to end than a row takes."""


@functools.cache
def _ran(stretch: int) -> list[Outcome]:
    return ran([ALL[index] for index in range(stretch * _TOGETHER, min((stretch + 1) * _TOGETHER, len(ALL)))])


def agree(given: Row, came: Outcome) -> None:
    """Assert that upstream times the formula is what the engine sent, at each edge of each node of a row."""
    if isinstance(came, Exception):
        raise came
    found = [chain for chain in came if rule_of(chain) is table.RULES[given.key]]
    assert found, "no node of this row ran"
    compared = 0
    for chain in found:
        for index, edge in enumerate(chain.edges):
            if edge.downstream is None:
                continue
            computed = downstream(chain, index)
            assert computed is not None, f"edge {index} was not evaluated"
            engine = numbers(edge.downstream)
            tolerance = COARSE.get(given.key, TOLERANCE)
            assert all(same(a, b, tolerance) for a, b in zip(computed, engine, strict=True)), (computed, engine)
            compared += 1
    assert compared


@pytest.mark.parametrize("index", range(len(ALL)), ids=lambda index: f"{ALL[index].key}: {ALL[index].call}")
def test_the_formula_agrees_with_the_engine(index: int) -> None:
    """At ordinary values, at ties and at zeros: upstream times the formula is what the engine sent."""
    agree(ALL[index], _ran(index // _TOGETHER)[index % _TOGETHER])


def test_a_leaf_gets_upstream_itself(tmp_path: Path) -> None:
    """At the end of the chain the factor is 1: what is added to .grad is upstream."""
    import torch

    from tests.tracer.recording import record

    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    _, tape = record(tmp_path / "t.tape", lambda: (leaf * 3).backward(torch.tensor([0.5, 7.0])), probe="never")
    (event,) = [event for event in tape.events() if event.kind == "accumulate"]
    chain = tape.chain(event.node or 0, event.seq)
    tape.close()
    assert chain is not None
    assert rule_of(chain) is table.RULES["AccumulateGrad"]
    assert table.RULES["AccumulateGrad"].parts[0].local == "1"
    assert chain.upstream[0] is not None
    assert leaf.grad is not None
    assert numbers(chain.upstream[0]) == leaf.grad.tolist()


def test_a_write_through_a_view_leaves_the_rest_alone() -> None:
    """CopySlices: outside of the view the base gets upstream, inside it the op's own derivative counts."""
    import torch

    leaf, factor = (torch.tensor(n, requires_grad=True) for n in ([1.0, 2.0, 3.0], [5.0, 7.0]))
    base = leaf * 1
    base[:2].mul_(factor)
    assert lookup(base.grad_fn.name()) is table.RULES["CopySlices"]  # type: ignore[union-attr]
    to_base, to_factor = base.grad_fn(torch.tensor([0.5, 2.0, 4.0]))  # type: ignore[operator,misc]
    assert to_base.tolist() == [0.5 * 5, 2.0 * 7, 4.0]
    assert to_factor.tolist() == [0.5 * 1, 2.0 * 2]


def test_every_row_is_compared() -> None:
    """No row of the table is left out of the comparison."""
    left = set(table.RULES) - {given.key for given in ALL}
    later = {rule.node for rule in (*BESSEL, *FACTORS)}  # compared where torch has them: test_bessel, test_factors
    assert left - later == NOT_COMPARED
