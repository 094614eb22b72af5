"""An optimizer step returned.

``[optimizer, [lr...], [T...], [V before...], [V gradient...], [group...]]``, and more where no version was raised
(``true``) or it was skipped (``false`` and why).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, WireError, dumps, integers, read_values


@dataclass(frozen=True, slots=True)
class StepDetail:
    """An optimizer step returned."""

    optimizer: str
    learning_rates: tuple[float, ...]
    """The rate that the step used, one per parameter group."""
    parameters: tuple[Tensor, ...]
    """The parameters after the step; empty while only watching."""
    before: tuple[TensorValue | None, ...] = ()
    """Each parameter's value before the step, in the order of ``parameters``; None where it is not known."""
    gradients: tuple[TensorValue | None, ...] = ()
    """Each parameter's ``.grad`` as the step found it; None is None."""
    groups: tuple[int, ...] = ()
    """Each parameter's group: an index into ``learning_rates``."""
    is_unnoticed: bool = False
    """True when no parameter's version was raised, as by a fused step: autograd does not see that they changed."""
    skipped: str = ""
    """Why GradScaler skipped the step, ``inf in weight.grad``; empty where it was made."""


def write(
    *,
    optimizer: str,
    learning_rates: list[float],
    parameters: str = "",
    before: str = "",
    gradients: str = "",
    groups: list[int],
    is_unnoticed: bool = False,
    skipped: str = "",
) -> str:
    """Return the wire form; ``parameters``: texts of ``T``, ``before`` and ``gradients``: of ``V``, with commas."""
    more = f",{dumps(is_unnoticed)},{dumps(skipped)}" if skipped else ",true" if is_unnoticed else ""
    parts = f"[{parameters}],[{before}],[{gradients}],{_groups(tuple(groups))}"
    return f"[{dumps(optimizer)},{dumps(learning_rates)},{parts}{more}]"


_groups = functools.lru_cache(maxsize=16)(dumps)  # the same at every step of an optimizer


def read(raw: Wire, data: bytes) -> StepDetail:
    """Read the wire form."""
    optimizer, rates, parameters, before, gradients, groups, *more = raw
    old, found, after = read_values(before, data), read_values(gradients, data), read_tensors(parameters, data)
    if any(part and len(part) != len(after) for part in (old, found, groups)):
        raise WireError("a step does not say the same of each parameter")
    numbers = tuple(float(rate) for rate in rates)
    told = bool(more and more[0]), str(more[1]) if len(more) > 1 else ""
    return StepDetail(str(optimizer), numbers, after, old, found, integers(groups), *told)


SPEC = Spec(read, phase="optimizer", is_stop=True)
