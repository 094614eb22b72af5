"""Finite differences, their error and the verdict, on functions whose derivatives are known."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from gradb.algebra.differences import EPSILON, Sample, Samples, Verdict, better, epsilon, first_step, judge, next_step

Function = Callable[[float], float]
EXACT = EPSILON["float64"]
COARSE = EPSILON["float32"]


def rounded(value: float) -> float:
    """Return a number as float32 keeps it."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def verdict(f: Function, x: float, engine: float, step: float | None = None, eps: float = EXACT) -> Verdict:
    def sample(place: float) -> Sample:
        place = place if eps == EXACT else rounded(place)
        return Sample(place, f(place) if eps == EXACT else rounded(f(place)))

    h = step or first_step(x, eps)
    wide, narrow = (Samples(size, sample(x - size), sample(x + size)) for size in (h, h / 2))
    return judge(sample(x), wide, narrow, engine, eps)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=5), st.floats(-2, 2), st.sampled_from([EXACT, COARSE]))
def test_the_derivative_of_a_polynomial_is_never_said_to_differ(
    coefficients: list[float], x: float, eps: float
) -> None:
    """The error estimate covers what steps and rounding do, so that the true derivative is always within it."""
    x = x if eps == EXACT else rounded(x)

    def f(place: float) -> float:
        return math.fsum(c * place**n for n, c in enumerate(coefficients))

    true = math.fsum(n * c * x ** (n - 1) for n, c in enumerate(coefficients) if n)
    true = true if eps == EXACT else rounded(true)
    assert verdict(f, x, true, eps=eps).outcome in {"agrees", "unclear"}


@given(st.floats(0.2, 3), st.floats(1.05, 3), st.sampled_from([EXACT, COARSE]))
def test_a_wrong_factor_is_found(x: float, factor: float, eps: float) -> None:
    """A derivative of exp that is off by five per cent or more differs, in float32 too."""
    x = x if eps == EXACT else rounded(x)
    found = verdict(math.exp, x, factor * math.exp(x), eps=eps)
    assert found.outcome == "differs"
    assert found.difference == pytest.approx((factor - 1) * math.exp(x), rel=0.05)


@given(st.floats(-2, 2), st.floats(-3, 3), st.floats(0.5, 3), st.floats(0, 1))
def test_a_kink_is_no_one_derivative(x: float, left: float, gap: float, where: float) -> None:
    """Where the slope jumps, both slopes are told, and an engine's between them is not called wrong."""

    def f(place: float) -> float:
        return (left if place < x else left + gap) * (place - x)

    found = verdict(f, x, left + where * gap)
    assert found.outcome == "kink"
    assert found.left == pytest.approx(left, abs=1e-6)
    assert found.right == pytest.approx(left + gap, abs=1e-6)
    assert verdict(f, x, left + gap + 1).outcome == "differs"


@given(st.floats(0.01, 0.99))
def test_a_kink_beside_the_place_is_not_taken_for_a_wrong_gradient(beside: float) -> None:
    """Where a step crosses a kink, the error says so; a smaller step is proposed, and finds the right slope."""
    step = 1 / 64
    f = lambda x: max(x - beside * step, 0.0)
    found = verdict(f, 0.0, 0.0, step)
    assert found.outcome != "differs"
    if found.outcome != "agrees":
        smaller = next_step(found, step)
        assert smaller is not None
        assert smaller < step
    assert verdict(f, 0.0, 0.0, beside * step / 2).outcome == "agrees"


def test_a_jump_has_no_derivative() -> None:
    """A step function at its step: the slopes grow as the steps shrink."""
    assert verdict(lambda x: float(x >= 1), 1.0, 0.0).outcome == "jump"


def test_too_few_digits_are_said_to_be_too_few() -> None:
    """A small slope on a large float32 value drowns in rounding, and a wider step is proposed."""
    found = verdict(lambda x: 1000 + 1e-3 * x, 1.0, 1e-3, eps=COARSE)
    assert found.outcome == "unclear"
    assert next_step(found, 0.25) == 2.0


def test_what_the_root_does_not_depend_on_agrees_with_zero() -> None:
    """Where no value changes at all, the engine's 0 is right."""
    assert verdict(lambda x: 7.0, 1.0, 0.0, eps=COARSE).outcome == "agrees"
    assert verdict(lambda x: 7.0, 1.0, 0.5, eps=COARSE).outcome == "differs"


def test_what_is_not_finite_has_no_verdict() -> None:
    """A NaN, at one of the places or as the gradient, ends it."""
    assert verdict(lambda x: math.sqrt(x) if x >= 0 else math.nan, 0.0, 1.0).outcome == "nonfinite"
    assert verdict(math.exp, 0.0, math.nan).outcome == "nonfinite"


def test_a_step_lost_in_rounding_is_refused() -> None:
    """In float32, 1 + 1e-9 is 1."""
    with pytest.raises(ValueError, match="too small"):
        verdict(math.exp, 1.0, math.e, step=1e-9, eps=COARSE)


@given(st.floats(-1e6, 1e6), st.sampled_from(sorted(EPSILON.values())))
def test_the_first_step_is_a_power_of_two_in_proportion(x: float, eps: float) -> None:
    """It costs no digits to add, and changes x by much more than rounding does."""
    step = first_step(x, eps)
    assert math.frexp(step)[0] == 0.5
    assert step > 8 * eps * max(abs(x), 0.1) or eps > 1e-3


def test_the_coarsest_dtype_counts() -> None:
    """A float64 leaf of a float32 loss has float32's digits; a complex number those of its parts."""
    assert epsilon(["float64", "float32"]) == COARSE
    assert epsilon(["complex128"]) == EXACT


def test_the_clearer_verdict_is_kept() -> None:
    """One that decides is better than one that does not, and of two that decide the one with less error."""
    clear, vague = verdict(math.exp, 1.0, math.e), verdict(lambda x: 1000 + 1e-3 * x, 1.0, 1e-3, eps=COARSE)
    wider = verdict(math.exp, 1.0, math.e, step=0.125)
    assert better(vague, clear) is clear
    assert better(wider, clear) is clear
