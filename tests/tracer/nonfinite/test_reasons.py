"""Each reason against torch: it is given where torch makes a NaN or an infinity by it, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.backrows import BACK_ROWS, LOCALS
from gradb.diagnosis.nonfinite.case import Case
from gradb.diagnosis.nonfinite.reading import element_of
from gradb.diagnosis.nonfinite.reasons import FORWARD
from tests.tracer.nonfinite.explaining import explained, recorded

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

F, T = torch.nn.functional, torch.tensor
NAN, INF = math.nan, math.inf
Call = Callable[..., Any]

FORWARD_CASES: list[tuple[str, str, Call, list[float]]] = [
    ("sqrt-negative", "sqrt", lambda x: x.sqrt(), [4.0, -1.0]),
    ("sqrt-negative", "rsqrt", lambda x: x.rsqrt(), [4.0, -1.0]),
    ("rsqrt-zero", "rsqrt", lambda x: x.rsqrt(), [4.0, 0.0]),
    ("log-zero", "log", lambda x: x.log(), [1.0, 0.0]),
    ("log-zero", "log2", torch.log2, [1.0, 0.0]),
    ("log-zero", "log10", torch.log10, [1.0, 0.0]),
    ("log-zero", "log1p", torch.log1p, [1.0, -1.0]),
    ("log-negative", "log", torch.log, [1.0, -3.0]),
    ("log-negative", "log1p", torch.log1p, [1.0, -3.0]),
    ("zero-by-zero", "div", lambda x: x / x, [1.0, 0.0]),
    ("divide-by-zero", "div", lambda x: 1 / x, [1.0, 0.0]),
    ("divide-by-zero", "div", lambda x: -2.5 / x, [1.0, 0.0]),
    ("divide-by-zero", "div", lambda x: (x + 1) / x, [1.0, -0.0]),
    ("divide-by-zero", "reciprocal", torch.reciprocal, [1.0, 0.0]),
    ("modulo-zero", "remainder", lambda x: torch.remainder(T([5.0, 5.0], dtype=x.dtype), x), [1.0, 0.0]),
    ("modulo-zero", "fmod", lambda x: torch.fmod(T([5.0, 5.0], dtype=x.dtype), x), [1.0, 0.0]),
    ("power-of-negative", "pow", lambda x: x**0.5, [1.0, -4.0]),
    ("power-of-negative", "pow", lambda x: x**1.5, [1.0, -4.0]),
    ("power-of-zero", "pow", lambda x: x**-1.0, [1.0, 0.0]),
    ("power-of-zero", "pow", lambda x: x**-2, [1.0, 0.0]),
    ("outside-of-domain", "acos", torch.acos, [0.5, 1.5]),
    ("outside-of-domain", "asin", torch.asin, [0.5, -1.5]),
    ("outside-of-domain", "atanh", torch.atanh, [0.5, 1.5]),
    ("outside-of-domain", "acosh", torch.acosh, [1.5, 0.5]),
    ("outside-of-domain", "erfinv", torch.erfinv, [0.5, 1.5]),
    ("outside-of-domain", "logit", torch.logit, [0.5, 1.5]),
    ("pole", "atanh", torch.atanh, [0.5, 1.0]),
    ("pole", "erfinv", torch.erfinv, [0.5, -1.0]),
    ("pole", "logit", torch.logit, [0.5, 0.0]),
    ("pole", "logit", torch.logit, [0.5, 1.0]),
    ("pole", "lgamma", torch.lgamma, [0.5, -2.0]),
    ("pole", "digamma", torch.digamma, [0.5, 0.0]),
    ("log-negative", "xlogy", lambda x: torch.xlogy(T([1.0, 2.0], dtype=x.dtype), x), [1.0, -1.0]),
    ("log-zero", "xlogy", lambda x: torch.xlogy(T([1.0, 2.0], dtype=x.dtype), x), [1.0, 0.0]),
    ("overflow", "exp", torch.exp, [1.0, 1000.0]),
    ("overflow", "exp2", torch.exp2, [1.0, 2000.0]),
    ("overflow", "expm1", torch.expm1, [1.0, 1000.0]),
    ("overflow", "sinh", torch.sinh, [1.0, -1000.0]),
    ("overflow", "cosh", torch.cosh, [1.0, -1000.0]),
    ("overflow", "mul", lambda x: x * x, [1.0, 1e200]),
    ("overflow", "square", lambda x: x.square(), [1.0, 1e200]),
    ("overflow", "pow", lambda x: x**3, [1.0, -1e200]),
    ("overflow", "add", lambda x: x + x, [1.0, 1.7e308]),
    ("overflow", "sub", lambda x: x - -x, [1.0, 1.7e308]),
    ("overflow", "div", lambda x: x / 1e-300, [1.0, 1e200]),
    ("overflow", "sum", lambda x: (x.repeat(3)).sum(), [1.0, 1.7e308]),
    ("overflow", "matmul", lambda x: x.reshape(2, 1) @ x.reshape(1, 2), [1.0, 1e200]),
    ("overflow", "linear", lambda x: F.linear(x.reshape(1, 2), x.reshape(1, 2)), [1.0, 1e200]),
    ("overflow", "prod", lambda x: x.repeat(3).prod(), [1.0, 1e200]),
    ("overflow", "mse_loss", lambda x: F.mse_loss(x, torch.zeros_like(x)), [1.0, 1e200]),
    ("overflow", "to", lambda x: x.to(torch.float16), [1.0, 70000.0]),
    ("overflow", "half", lambda x: x.half(), [1.0, -70000.0]),
    ("spread-of-one", "std", lambda x: x[:1].std(), [1.0, 2.0]),
    ("spread-of-one", "var", lambda x: x.reshape(2, 1).var(dim=1), [1.0, 2.0]),
    ("spread-of-one", "std", lambda x: x.std(correction=2), [1.0, 2.0]),
    ("mean-of-nothing", "mean", lambda x: x[:0].mean(), [1.0, 2.0]),
    ("mean-of-nothing", "mean", lambda x: x.reshape(2, 1)[:, :0].mean(dim=1), [1.0, 2.0]),
    ("no-targets", "cross_entropy", lambda x: F.cross_entropy(x.reshape(1, 2), T([-100])), [1.0, 2.0]),
    ("no-targets", "nll_loss", lambda x: F.nll_loss(x.reshape(1, 2), T([7]), ignore_index=7), [1.0, 2.0]),
]  # fmt: skip
"""Reason, op, call, and a point of float64 whose second element does it."""


_POINTWISE = frozenset(
    "sqrt rsqrt log log2 log10 log1p div reciprocal pow acos asin atanh acosh erfinv logit lgamma digamma exp exp2"
    " expm1 sinh cosh mul square add sub to half".split()
)
_SHAPED = [
    (*case, shape) for case in FORWARD_CASES for shape in ((2,), (2, 3)) if shape == (2,) or case[1] in _POINTWISE
]


@pytest.mark.parametrize(("code", "op", "call", "point", "shape"), _SHAPED)
def test_forward(code: str, op: str, call: Call, point: list[float], shape: tuple[int, ...], tmp_path: Path) -> None:
    """An op that makes a NaN or an infinity of finite numbers is named, with the reason that the numbers show."""
    made: list[torch.Tensor] = []

    def run() -> None:
        x = T(point, dtype=torch.float64, requires_grad=True)
        made.append(call(x if len(shape) == 1 else x.reshape(2, 1).expand(shape).contiguous()))

    born = explained(recorded(tmp_path, run)).births[0]
    assert (born.kind, born.reason.code if born.reason else None) == ("birth", code), born
    result = made[0].detach()
    wrong = (~torch.isfinite(result)).nonzero()[0].tolist()
    assert list(born.element or ()) == wrong
    number = result[tuple(wrong)].item()
    assert born.what == ("nan" if math.isnan(number) else str(number))


MASKED: list[tuple[str, Call]] = [
    ("softmax", lambda x, mask: x.masked_fill(mask, -INF).softmax(-1)),
    ("log_softmax", lambda x, mask: F.log_softmax(x.masked_fill(mask, -INF), dim=1)),
    ("softmax", lambda x, mask: torch.softmax(torch.where(mask, T(-INF), x), dim=-1)),
]  # fmt: skip


@pytest.mark.parametrize(("op", "call"), MASKED)
@pytest.mark.parametrize("width", [4, 2000])
def test_a_row_that_is_all_masked(op: str, call: Call, width: int, tmp_path: Path) -> None:
    """The softmax of a row that is all -inf is named, and which row; of a large one by its counts alone."""
    mask = torch.zeros(3, width, dtype=torch.bool)
    mask[1] = True
    mask[2, 1:] = True

    found = explained(recorded(tmp_path, lambda: call(torch.ones(3, width, requires_grad=True), mask)))
    given, born = found.births
    assert given.kind == "given"
    assert given.what == "-inf"
    assert born.kind == "birth"
    assert born.call.endswith(op)
    assert born.reason is not None
    assert born.reason.code == "masked-row"
    is_mixed = width > 1024 and op == "log_softmax"  # with -inf beside the NaN, and only counts of both
    assert ("a row of" if is_mixed else "row [1, :] of") + " its input is all -inf" in born.reason.text


@pytest.mark.parametrize("keyword", ["attn_mask", "key_padding_mask"])
def test_attention_with_a_masked_query(keyword: str, tmp_path: Path) -> None:
    """A query that may look at no key is named by its row of the mask, where attention is one call."""
    mask = torch.zeros(3, 3, dtype=torch.bool)
    mask[2] = True

    def run() -> None:
        attention = torch.nn.MultiheadAttention(4, 2)
        x = torch.randn(3, 3, 4)
        attention(x, x, x, **{keyword: mask})

    born = explained(recorded(tmp_path, run)).births[-1]
    assert born.reason is not None, born
    assert born.reason.code == "masked-row"
    assert f"row [2, :] of {keyword}" in born.reason.text


BACKWARD_CASES: list[tuple[str, str, Call, list[float], list[float]]] = [
    ("nan", "SqrtBackward0", lambda x: x.sqrt(), [4.0, 0.0], [1.0, 0.0]),
    ("inf", "SqrtBackward0", lambda x: x.sqrt(), [4.0, 0.0], [1.0, 2.0]),
    ("-inf", "SqrtBackward0", lambda x: x.sqrt(), [4.0, 0.0], [1.0, -2.0]),
    ("inf", "PowBackward0", lambda x: x**0.5, [4.0, 0.0], [1.0, 1.0]),
    ("nan", "PowBackward0", lambda x: x**0.5, [4.0, 0.0], [1.0, 0.0]),
    ("-inf", "AcosBackward0", torch.acos, [0.5, 1.0], [1.0, 1.0]),
    ("nan", "AcosBackward0", torch.acos, [0.5, 1.0], [1.0, 0.0]),
    ("inf", "AsinBackward0", torch.asin, [0.5, -1.0], [1.0, 1.0]),
    ("inf", "AcoshBackward0", torch.acosh, [1.5, 1.0], [1.0, 1.0]),
    ("nan", "HypotBackward0", lambda x: torch.hypot(x, T([1.0, 0.0], dtype=x.dtype)), [4.0, 0.0], [1.0, 1.0]),
    ("nan", "XlogyBackward0", lambda x: torch.xlogy(T([1.0, 0.0], dtype=x.dtype), x), [4.0, 0.0], [1.0, 1.0]),
    ("inf", "MulBackward0", lambda x: x * 1e300, [1.0, 2.0], [1.0, 1e300]),
    ("inf", "ExpBackward0", torch.exp, [1.0, 700.0], [1.0, 1e200]),
    ("inf", "DivBackward0", lambda x: x / 1e-300, [1.0, 2e-300], [1.0, 1e300]),
    ("nan", "AbsBackward0", lambda x: x.abs().sqrt(), [4.0, 0.0], [1.0, 1.0]),
    ("inf", "SpecialLogNdtrBackward0", torch.special.log_ndtr, [0.5, -1e10], [1.0, 1.0]),
    ("-inf", "ReciprocalBackward0", torch.reciprocal, [1.0, 1e-200], [1.0, 1.0]),
]  # fmt: skip
"""What is born, at which node, a call, its point, and upstream."""


@pytest.mark.parametrize(
    ("what", "node", "call", "point", "sent"), BACKWARD_CASES, ids=lambda each: each if isinstance(each, str) else ""
)
@pytest.mark.parametrize("columns", [None, 3])
def test_backward(
    what: str, node: str, call: Call, point: list[float], sent: list[float], columns: int | None, tmp_path: Path
) -> None:
    """A gradient that becomes NaN or infinite is named at its node, with upstream × local as the numbers show it."""
    leaf: list[torch.Tensor] = []

    def run() -> None:
        x, upstream = T(point, dtype=torch.float64), T(sent, dtype=torch.float64)
        if columns is not None and node not in {"HypotBackward0", "XlogyBackward0"}:
            x, upstream = (each.reshape(2, 1).repeat(1, columns) for each in (x, upstream))
        leaf.append(x.requires_grad_())
        call(leaf[0]).backward(upstream)

    found = explained(recorded(tmp_path, run))
    born = found.births[-1]
    assert (born.kind, born.call, born.what) == ("birth", node, what)
    assert born.reason is not None, born
    assert born.reason.code == "local-derivative"
    grad = leaf[0].grad
    assert grad is not None
    assert list(born.element or ()) == (~torch.isfinite(grad)).nonzero()[0].tolist()


POINTS = [-1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 3.0]


@pytest.mark.parametrize("name", sorted(LOCALS))
def test_local_derivatives(name: str, tmp_path: Path) -> None:
    """A row's derivative is what torch sends for an upstream of 1, number by number, infinities and NaNs too."""
    derivatives = LOCALS[name]
    xs = [T(a, dtype=torch.float64) for a in POINTS]
    for others in POINTS if len(derivatives) > 1 else [0.0]:
        for x in xs:
            inputs = [x.clone().requires_grad_()]
            if len(derivatives) > 1:
                inputs.append(T(others, dtype=torch.float64).requires_grad_())
            result = getattr(torch if hasattr(torch, name) else torch.special, name)(*inputs)
            result.backward()
            for (derivative, _), leaf in zip(derivatives, inputs, strict=True):
                ours = derivative(*(each.item() for each in inputs), result.item())
                assert leaf.grad is not None
                theirs = leaf.grad.item()
                assert ours == pytest.approx(theirs, rel=1e-9, nan_ok=True), (name, [i.item() for i in inputs])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_limit_is_that_of_the_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    """An overflow is told with the largest number of the dtype that it happened in."""
    largest = torch.finfo(dtype).max
    found = explained(recorded(tmp_path, lambda: T([1.0, largest], dtype=dtype, requires_grad=True) * 2))
    reason = found.births[0].reason
    assert reason is not None
    assert reason.code == "overflow"
    assert str(dtype).removeprefix("torch.") in reason.text


def test_where_does_not_keep_a_nan_out(tmp_path: Path) -> None:
    """A branch that ``where`` does not take has an infinite derivative all the same; the reason says who sent the 0."""

    def run() -> None:
        x = T([4.0, 0.0], requires_grad=True)
        torch.where(x > 0, x.sqrt(), torch.zeros(())).sum().backward()

    reason = explained(recorded(tmp_path, run)).births[0].reason
    assert reason is not None
    assert "the 0 comes from where on line" in reason.text


def test_large_tensors_are_told_by_what_is_kept_of_them(tmp_path: Path) -> None:
    """Of 2,000 elements only statistics are kept: the extreme that does it is named as that, and the first index."""
    x = torch.linspace(0.5, 2.0, 2000)
    x[1234] = -0.25
    found = explained(recorded(tmp_path, lambda: x.clone().requires_grad_().sqrt()))
    born = found.births[0]
    assert born.element == (1234,)
    assert born.reason is not None
    assert "-0.25" in born.reason.text
    assert "smallest element" in born.reason.text


def test_no_row_speaks_of_what_it_did_not_see(tmp_path: Path) -> None:
    """Where no row fits, the inputs at the element are told and no reason is made up."""

    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(x.detach().numpy() * math.inf)

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad

    def run() -> None:
        apply: Call = Odd.apply
        apply(T([1.0, 2.0], requires_grad=True))

    found = explained(recorded(tmp_path, run))
    assert found.births[0].reason is None


def test_every_row_is_held_against_torch() -> None:
    """Each code of the table appears in a case of these tests."""
    tested = {code for code, *_ in FORWARD_CASES} | {"masked-row", "local-derivative", "overflow"}
    tested |= {"inf-by-inf", "inf-minus-inf", "zero-times-inf", "periodic-of-inf", "remainder-of-inf"}
    assert {row.code for row in (*FORWARD, *BACK_ROWS)} <= tested


OF_INFINITIES: list[tuple[str, Call]] = [
    ("inf-by-inf", lambda a: a / a),
    ("inf-minus-inf", lambda a: a - a),
    ("inf-minus-inf", lambda a: a + -a),
    ("zero-times-inf", lambda a: a * 0),
    ("zero-times-inf", lambda a: a.reshape(1, 2) @ T([[1.0], [0.0]], dtype=a.dtype)),
    ("periodic-of-inf", torch.sin),
    ("remainder-of-inf", lambda a: torch.remainder(a, 2.0)),
    ("inf-minus-inf", lambda a: torch.cat([a, -a]).sum()),
    ("inf-minus-inf", lambda a: a.var()),
    ("masked-row", lambda a: a.softmax(0)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "call"), OF_INFINITIES)
def test_nan_of_an_infinity(code: str, call: Call, tmp_path: Path) -> None:
    """The birth of the infinity comes first, then that of the NaN, with a reason each."""
    found = explained(recorded(tmp_path, lambda: call(T([1.0, 1000.0], dtype=torch.float64, requires_grad=True).exp())))
    first, second = found.births
    assert (first.what, first.reason.code if first.reason else "") == ("inf", "overflow")
    assert (second.what, second.reason.code if second.reason else "") == ("nan", code)


def test_the_number_that_was_born_is_the_one_on_the_tape(tmp_path: Path) -> None:
    """A case looks at the very element that the birth names."""
    tape = recorded(tmp_path, lambda: T([[1.0, 2.0], [-3.0, 4.0]], requires_grad=True).log())
    born = explained(tape).births[0]
    made = traffic.made(tape.origins, born.event)[0].first()
    case = Case(tape.origins, made)
    assert case.born is not None
    assert math.isnan(case.born)
    assert case.numbers == (-3.0,)
    assert element_of(made.value, made.element) != element_of(made.value, made.element)


ABOVE, BELOW = 1 + 2.0**-23, 1 - 2.0**-24


@pytest.mark.parametrize(
    ("call", "number", "told"),
    [
        (torch.acos, ABOVE, "acos of 1.0000001 is nan"),
        (torch.asin, -ABOVE, "asin of -1.0000001 is nan"),
        (torch.atanh, ABOVE, "atanh of 1.0000001 is nan"),
        (torch.erfinv, ABOVE, "erfinv of 1.0000001 is nan"),
        (torch.acosh, BELOW, "acosh of 0.9999999 is nan"),
        (torch.logit, ABOVE, "logit of 1.0000001 is nan"),
        (torch.log1p, -ABOVE, "log1p of -1.0000001 is nan"),
        (lambda x: (-x) ** ABOVE, 1.0, "-1 to the power 1.0000001 is nan"),
        (torch.exp, 88.724, "exp(88.724) overflows: exp of more than 88.723"),
    ],
)
def test_a_number_is_told_on_its_side_of_a_bound(call: Call, number: float, told: str, tmp_path: Path) -> None:
    """However near it is, the digits tell on which side it lies."""
    x = T([number])
    (born,) = explained(recorded(tmp_path, lambda: call(x))).births
    assert born.reason is not None
    assert told in born.reason.text


def test_a_number_near_a_bound_of_a_derivative(tmp_path: Path) -> None:
    """The backward of what is outside of its domain shows that it is outside."""
    x = T([0.5, ABOVE], requires_grad=True)
    tape = recorded(tmp_path, lambda: torch.acos(x).backward(T([1.0, 1.0])))
    node = next(
        seq
        for seq in range(1, tape.head + 1)
        if tape.event(seq).name == "AcosBackward0" and tape.event(seq).kind == "node"
    )
    case = Case(tape.origins, next(one for one in traffic.made(tape.origins, node)).at(1))
    assert case.operands[0].shown == "1.0000001"
