"""What optimizer steps and hooks were given at an element in which they made a NaN or an infinity, and why it came."""

from __future__ import annotations

import math

from gradb.algebra.figures import beside_whole, number
from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.case import extremes
from gradb.diagnosis.nonfinite.reading import Reading, aligned, element_of, place
from gradb.diagnosis.nonfinite.reason import Reason
from gradb.frame.origins import Origins
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import Number

_WITH_EPS = frozenset({"Adagrad", "Adam", "AdamW", "NAdam", "RMSprop"})
"""Optimizers of torch whose update divides by the root of a mean of squared gradients, plus eps."""


def given(origins: Origins, made: Reading) -> tuple[tuple[str, str], ...]:
    """Return what a step or a hook was given at the element, by name, with its dtype; of a whole tensor its range."""
    shown = [(one, _shown(made, one)) for one in _read(origins, made)]
    return tuple((_name(made, one), f"{text} ({one.value.dtype})") for one, text in shown if text)


def step_reason(origins: Origins, made: Reading) -> Reason | None:
    """Return why a step made a NaN of a gradient of 0, where the optimizer divides by the gradients that it has seen.

    Its eps is not on the tape, so that it is said on what it depends.
    """
    detail = origins.detail(made.event)
    if not isinstance(detail, StepDetail) or detail.optimizer not in _WITH_EPS or not _is_nan(made):
        return None
    known = {one.role: _at(made, one) for one in _read(origins, made)}
    before, gradient = known.get("before"), known.get("gradient")
    if gradient != 0 or not _is_finite(before) or not all(map(math.isfinite, detail.learning_rates)):
        return None
    dtype = made.value.dtype
    tiny = " (1e-8 is 0 in float16)" if dtype == "float16" else ""
    was = number(before or 0.0, dtype)
    text = (
        f"its gradient there is 0, it was {was}, dtype {dtype}: where all gradients so far and the weight decay are 0,"
        f" torch's {detail.optimizer} computes 0 / (√0 + eps), which is nan where eps is 0 in {dtype}{tiny}; which eps"
        " it has is not on the tape"
    )
    return Reason("zero-by-eps", text)


def _read(origins: Origins, made: Reading) -> list[Reading]:
    """Return the values that a step or a hook made one of its own of."""
    found = traffic.read_for(origins, made)
    detail = origins.detail(made.event)
    if isinstance(detail, HookDetail) and detail.kind != "tensor":
        return [one for one in found if one.number == made.number]
    return found


def _name(made: Reading, one: Reading) -> str:
    what = one.name or "the gradient"
    at = place(one.value.shape, aligned(one.value, made.element, made.value.shape))
    return f"{what}{at} before it" if one.role == "before" else f"{what}{at}"


def _shown(made: Reading, one: Reading) -> str:
    """Return the number at the element, else the range of all; empty where neither is known."""
    found = _at(made, one)
    if isinstance(found, complex):
        return number(found, one.value.dtype)
    if found is not None:
        return beside_whole(float(found), one.value.dtype)
    bounds = extremes(one.value)
    return "" if bounds is None else " to ".join(number(bound, one.value.dtype) for bound in bounds)


def _at(made: Reading, one: Reading) -> Number | None:
    return element_of(one.value, aligned(one.value, made.element, made.value.shape))


def _is_nan(made: Reading) -> bool:
    found = element_of(made.value, made.element)
    return isinstance(found, float) and math.isnan(found)


def _is_finite(value: Number | None) -> bool:
    return isinstance(value, float) and math.isfinite(value)
