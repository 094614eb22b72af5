"""An optimizer step returned.

``[optimizer, [lr...], [T...], [V before...], [V gradient...], [group...]]``, and more where no version was raised
(``true``) or it was skipped (``false`` and why), and more still where it is known which optimizer made it: ``[number,
label, event, file or null, line or null]`` (or null), and how much it changed, where that was measured: ``[change,
whole]``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, WireError, dumps, integer, integers, read_values, text


@dataclass(frozen=True, slots=True)
class Maker:
    """The optimizer that made a step."""

    number: int
    """The same for all its steps: 1 for the first that was seen, 2 for the next."""
    label: str
    """What its series are called: its variable where it is one of several, else its class."""
    event: int
    """The newest event when it was made; 0 where it was made before the recording began."""
    file: str | None = None
    """Where it was made: path of the source file; None where that is not known."""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How much a step has changed, measured while it was made."""

    change: float
    """2-norm of all changes of all parameters."""
    whole: float
    """2-norm of all parameters before the step."""


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
    maker: Maker | None = None
    """Which optimizer made it; None where that was not recorded."""
    size: Size | None = None
    """How much it changed; None where that was not measured: nobody had asked, or a parameter cannot be read."""

    def rate(self, index: int) -> float | None:
        """Return the learning rate of a parameter, by its index; None where it has none, or it is not known."""
        if len(self.learning_rates) == 1:
            return self.learning_rates[0]
        group = self.groups[index] if index < len(self.groups) else -1
        return self.learning_rates[group] if 0 <= group < len(self.learning_rates) else None


def write_maker(*, number: int, label: str, event: int, file: str | None, line: int | None) -> str:
    """Return the wire form of an optimizer: see ``Maker``."""
    return dumps([number, label, event, file, line])


def write_around(
    *,
    optimizer: str,
    learning_rates: list[float],
    groups: list[int],
    is_unnoticed: bool = False,
    skipped: str = "",
    maker: str = "",
    size: Size | None = None,
) -> tuple[str, str]:
    """Return what stands before the parameters and behind the gradients; ``maker`` is what ``write_maker`` returned."""
    more = [dumps(is_unnoticed), dumps(skipped), maker or "null"]
    more = more if maker or size else more[:2] if skipped else more[: int(is_unnoticed)]
    if size is not None:
        more.append(dumps([size.change, size.whole]))
    return f"[{dumps(optimizer)},{dumps(learning_rates)},[", f"],{','.join([_groups(tuple(groups)), *more])}]"


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
    maker: str = "",
    size: Size | None = None,
) -> str:
    """Return the wire form; ``parameters``: texts of ``T``, ``before`` and ``gradients``: of ``V``, with commas."""
    head, tail = write_around(
        optimizer=optimizer, learning_rates=learning_rates, groups=groups, is_unnoticed=is_unnoticed, skipped=skipped,
        maker=maker, size=size,
    )  # fmt: skip
    return f"{head}{parameters}],[{before}],[{gradients}{tail}"


_groups = functools.lru_cache(maxsize=16)(dumps)  # the same at every step of an optimizer


def read(raw: Wire, data: bytes) -> StepDetail:
    """Read the wire form."""
    optimizer, rates, parameters, before, gradients, groups, *more = raw
    old, found, after = read_values(before, data), read_values(gradients, data), read_tensors(parameters, data)
    if any(part and len(part) != len(after) for part in (old, found, groups)):
        raise WireError("a step does not say the same of each parameter")
    numbers = tuple(float(rate) for rate in rates)
    told = bool(more and more[0]), str(more[1]) if len(more) > 1 else ""
    maker = _read_maker(more[2]) if len(more) > 2 and more[2] is not None else None
    size = _read_size(more[3]) if len(more) > 3 else None
    return StepDetail(str(optimizer), numbers, after, old, found, integers(groups), *told, maker, size)


def _read_size(raw: Wire) -> Size:
    change, whole = raw
    return Size(float(change), float(whole))


def _read_maker(raw: Wire) -> Maker:
    number, label, event, file, line = raw
    return Maker(int(number), str(label), int(event), text(file), integer(line))


SPEC = Spec(read, phase="optimizer", is_stop=True)
