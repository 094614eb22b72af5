"""Local derivatives where a formula meets an infinity: a one-hot vector has zeros, and 0 × inf is NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from gradb.frame.chain.record import ChainEdge
from gradb.present.json.values import check_json
from gradb.rules import examined
from tests.tracer.hard.seeing import Seen, watch

pytestmark = pytest.mark.torch

Op = Callable[[torch.Tensor], torch.Tensor]
INF = math.inf


def _at(op: Op, points: list[float], node: str, upstream: list[float] | None = None) -> tuple[Seen, int]:
    def script() -> None:
        y = op(torch.tensor(points, dtype=torch.float64, requires_grad=True))
        y.backward(torch.ones_like(y) if upstream is None else torch.tensor(upstream, dtype=torch.float64))

    seen = watch(script)
    return seen, seen.at(node)


def _edge(seen: Seen, position: int) -> ChainEdge:
    chain = seen.tape.frame(position).chain
    assert chain is not None
    return next(edge for edge in examined(chain).edges if edge.to is not None)


SINGULAR: list[tuple[str, Op, list[float], list[float]]] = [
    ("Sqrt", torch.sqrt, [0, 4, 9], [INF, 0.25, 1 / 6]),
    ("Log", torch.log, [0, 4, 1], [INF, 0.25, 1]),
    ("Reciprocal", lambda x: 1 / x, [0, 4, 1], [-INF, -1 / 16, -1]),
    ("Rsqrt", torch.rsqrt, [0, 4, 1], [-INF, -1 / 16, -0.5]),
    ("Pow", lambda x: x**0.5, [0, 4, 1], [INF, 0.25, 0.5]),
    ("Pow", lambda x: x**-1, [0, 2, 1], [-INF, -0.25, -1]),
    ("Acos", torch.acos, [1, 0, 0.6], [-INF, -1, -1.25]),
    ("Asin", torch.asin, [1, 0, 0.6], [INF, 1, 1.25]),
    ("Atanh", torch.atanh, [1, 0, 0.5], [INF, 1, 4 / 3]),
    ("Log1P", torch.log1p, [-1, 0, 1], [INF, 1, 0.5]),
    ("Logit", torch.logit, [0, 0.5, 0.25], [INF, 4, 16 / 3]),
    ("Sqrt", torch.sqrt, [0, 0], [INF, INF]),
]


@pytest.mark.parametrize(("node", "op", "points", "wanted"), SINGULAR, ids=[f"{n}{p}" for n, _, p, _ in SINGULAR])
def test_a_singular_point_is_infinite_on_the_diagonal_and_0_beside_it(
    node: str, op: Op, points: list[float], wanted: list[float]
) -> None:
    """What is no number in the measured matrix is 0 by the formula, and the product with it is compared."""
    edge = _edge(*_at(op, points, node))
    assert edge.local.structure == ("scalar" if len(set(wanted)) == 1 else "diagonal")
    numbers = [float(number.real) for number in edge.local.values or ()]
    assert numbers == pytest.approx(wanted[: len(numbers)])
    assert edge.check is not None
    assert edge.check.is_ok
    assert edge.check.is_compared


def test_0_times_inf_is_said() -> None:
    """Where upstream is 0 at the singular point the engine sends NaN, and the pane says what made it."""
    seen, position = _at(torch.log, [0, 4, 1], "Log", [0, 1, 1])
    text = seen.chain(position)
    assert "[nan 0.25 1]" in text
    assert "✓ agrees with the engine; 0 × inf = nan in 1 of 3 elements" in text
    assert "by the formula where a one-hot vector gives 0 × inf = nan" in text


def test_no_tick_where_nothing_was_compared() -> None:
    """An infinity upstream of a zero of the matrix: the sentence has no tick, the JSON no verdict."""
    seen, position = _at(lambda x: torch.eye(2, dtype=x.dtype) @ x, [1, 2], "Mv", [INF, 1])
    edge = _edge(seen, position)
    assert edge.check is not None
    assert check_json(edge.check) == {"ok": None, "max_error": 0, "text": edge.check.text, "how": "measured"}
    assert "– cannot be compared" in seen.chain(position)


@pytest.mark.parametrize(
    ("node", "op", "points"),
    [
        ("VectorNorm", torch.linalg.vector_norm, [0.0, 0.0]),
        ("Std", torch.std, [2.0, 2.0, 2.0]),
        ("Prod", torch.prod, [0.0, 0.0, 3.0]),
        ("Cumprod", lambda x: x.cumprod(0), [0.0, 2.0, 3.0]),
        ("Logsumexp", lambda x: x.logsumexp(0), [0.0, -INF]),
    ],
)
def test_what_pytorch_guards_is_finite(node: str, op: Op, points: list[float]) -> None:
    """Norms at 0, the spread of equal values, products with zeros: PyTorch's own values, checked."""
    edge = _edge(*_at(op, points, node))
    assert all(math.isfinite(number.real) for number in edge.local.values or ())
    assert edge.check is not None
    assert edge.check.is_ok
    assert edge.check.is_compared
