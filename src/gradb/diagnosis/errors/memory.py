"""Who changed a tensor's memory in place: by the tensor itself, by a view, by another tensor that shares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_EVENTS = 100_000
_VIEWS = frozenset(
    {
        "T", "H", "mT", "mH", "__getitem__", "alias", "as_strided", "chunk", "detach", "diagonal", "expand",
        "expand_as", "flatten", "hsplit", "movedim", "narrow", "permute", "ravel", "real", "imag", "reshape", "select",
        "split", "squeeze", "swapaxes", "swapdims", "t", "tensor_split", "transpose", "unbind", "unflatten", "unfold",
        "unsqueeze", "view", "view_as", "vsplit",
    }
)  # fmt: skip
"""Functions whose results may share the memory of their first input. Those that copy where they must (``reshape``) are
among them: what they return is then only looked at for nothing."""
_COPYING = frozenset({"flatten", "ravel", "reshape"})


@dataclass(frozen=True, slots=True)
class Change:
    """An event that raised the version of a tensor's memory."""

    event: Event
    by: str
    """Name of the tensor that it was written to by, where that has one."""
    is_step: bool = False
    is_sure: bool = True
    """False where the memory may be another: by way of a function that copies where it must."""


def changes(tape: Tape, tensors: frozenset[int], after: int, until: int) -> list[Change]:
    """Return what changed the memory of some tensors in place, at events after < event < until, in order.

    Args:
        tape: what was recorded.
        tensors: ids of tensors that share one memory.
        after: what came up to this event is not meant.
        until: what came from this event on is not meant.
    """
    sharing = dict.fromkeys(tensors, True)
    found = []
    defined = [tape.defined_at(tensor, after) for tensor in tensors]
    first = max(min((event for event in defined if event), default=after), until - _MAX_EVENTS)
    for event in _working(tape, first, until - 1):
        detail = tape.detail(event.seq)
        if isinstance(detail, StepDetail):
            change = _by_step(event, detail, sharing)
        else:
            assert isinstance(detail, OpDetail)
            change = _by_op(event, detail, sharing)
            _share(detail, sharing)
        if change is not None and event.seq > after:
            found.append(change)
    return found


def _working(tape: Tape, first: int, last: int) -> Iterator[Event]:
    return (event for event in tape.events(first, last) if event.kind in {"op", "step"})


def _by_step(event: Event, detail: StepDetail, sharing: dict[int, bool]) -> Change | None:
    given = zip(detail.parameters, detail.gradients, strict=False)
    changed = [one for one, gradient in given if one.id in sharing and gradient is not None]
    if not changed or detail.is_unnoticed:
        return None
    return Change(event, changed[0].name or "", is_step=True, is_sure=sharing[changed[0].id])


def _by_op(event: Event, detail: OpDetail, sharing: dict[int, bool]) -> Change | None:
    if not is_change(detail) or detail.function.startswith("Tensor.data"):
        return None
    target = written(detail)
    changed = [one for one in target if one.id in sharing and not (one.name or "").endswith(".data")]
    if not changed:
        return None
    return Change(event, changed[0].name or "", is_sure=sharing[changed[0].id])


def is_change(detail: OpDetail) -> bool:
    """Tell whether an op wrote into one of its inputs."""
    if detail.is_inplace:
        return bool(detail.inputs)
    options, given = dict(detail.arguments), {one.id for one in detail.inputs}
    if "out" in options or options.get("inplace") == "True":
        return True
    return bool(detail.nodes) and any(one.id in given for one in detail.outputs)  # it has another grad_fn now


def written(detail: OpDetail) -> tuple[Tensor, ...]:
    """Return the tensors that an op which changes some has written into."""
    given = {one.id for one in detail.inputs}
    changed = tuple(one for one in detail.outputs if one.id in given)
    return changed or detail.inputs[:1]


def _share(detail: OpDetail, sharing: dict[int, bool]) -> None:
    """Take note of the tensors that share the memory now."""
    name = detail.function.rpartition(".")[2]
    if name == "__get__":
        name = detail.function.split(".")[-2]
    if name not in _VIEWS or not detail.inputs:
        return
    source = detail.inputs[0].id
    is_sure = name not in _COPYING
    if source in sharing:
        for one in detail.outputs:
            sharing.setdefault(one.id, sharing[source] and is_sure)
    elif any(one.id in sharing for one in detail.outputs):
        sharing[source] = is_sure
