"""Who made what an event read: the value at the event that made it, or why that is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.reading import Reading, aligned, element_of, is_finite, is_nan
from gradb.frame.origins import Origins
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail

EndKind = Literal["birth", "outside", "given", "blank", "unrecorded", "unknown"]
"""birth: made of finite values; outside: it came into the recording as it is; given: the call was given it as a value;
blank: memory that nobody had written to; unrecorded: changed by nothing that is on the tape; unknown: values were not
kept."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a road can be followed back no further."""

    kind: EndKind
    reading: Reading
    """The value there: non-finite, unless ``kind`` is unknown or blank."""
    since: int = 0
    """unrecorded: the event that left it finite; it was changed after that."""
    why: str = ""
    """unknown: why it is not known, as the end of a sentence."""


def maker(origins: Origins, one: Reading) -> Reading | End:
    """Return the value as it was made, at an earlier event, of which ``one`` was read.

    It is the very value, so the same element of it is followed.
    """
    match one.source:
        case "tensor":
            return _of_tensor(origins, one)
        case "buffer":
            return _of_buffer(origins, one)
        case "upstream":
            return _of_gradient(origins, one)
    return End("unknown", one, why="the tape does not say which tensor it is")


# --- tensors ----------------------------------------------------------------------------------------------------------


def _of_tensor(origins: Origins, one: Reading) -> Reading | End:
    event = origins.definition(one.tensor, one.event)
    if event is None:
        return passed_in(origins, one) or _as_buffer(origins, one) or End("outside", one)
    then = next((each for each in traffic.made(origins, event) if each.tensor == one.tensor), None)
    if then is None:
        then = next((each for each in traffic.read(origins, event) if each.tensor == one.tensor), None)
        if then is not None and then.nonfinite:
            return End("outside", then.at(one.element))
    if then is not None and then.nonfinite:
        return then.at(one.element)
    return _changed(origins, one, event, then)


def _as_buffer(origins: Origins, one: Reading) -> Reading | End | None:
    """Return who made a ``.grad`` that an op read by its name; None where it is none, or nobody is known."""
    leaf = origins.tensor(one.name.removesuffix(".grad"), one.event) if one.name.endswith(".grad") else None
    if leaf is None or origins.buffer(leaf, one.event) is None:
        return None
    return _of_buffer(origins, replace(one, source="buffer", tensor=leaf))


def _changed(origins: Origins, one: Reading, event: int, then: Reading | None) -> Reading | End:
    """Tell who made a tensor non-finite that was not so at the event that defined it."""
    if then is not None and then.is_blank:
        return End("blank", then)
    if then is not None and then.is_unknown:
        why = (
            f"the values that #{origins.called(event, ',')} left in it were not kept ({then.value.note or 'too large'})"
        )
        return End("unknown", one, why=why)
    watched = origins.watched_since(event, one.event)
    if watched is not None:
        return End("unknown", one, why=f"from #{origins.called(watched, ',')} on the script was only watched")
    writes = [seq for seq in origins.nonfinite(event, one.event, "op") if _is_write(origins, seq)]
    if len(writes) == 1:
        return next(each for each in traffic.made(origins, writes[0]) if each.nonfinite)
    return End("unrecorded", one, since=event)


def _is_write(origins: Origins, seq: int) -> bool:
    """Tell whether an op wrote a non-finite value in place, where all that it had read was finite."""
    detail = origins.detail(seq)
    return isinstance(detail, OpDetail) and detail.is_inplace and any(t.value.nonfinite() for t in detail.outputs)


def passed_in(origins: Origins, one: Reading) -> Reading | None:
    """Return what a node was given or had saved, where its own code (a custom backward, a checkpoint) used that."""
    start = origins.enclosing(one.event)
    if start is None:
        return None
    given = [*traffic.read(origins, start), *traffic.saved(origins, start)]
    return next((each.at(one.element) for each in given if each.value == one.value), None)


# --- gradients --------------------------------------------------------------------------------------------------------


def _of_buffer(origins: Origins, one: Reading) -> Reading | End:
    touched = origins.buffer(one.tensor, one.event)
    if touched is None:
        return End("outside", one)
    found = [each for each in traffic.made(origins, touched[0]) if each.tensor == one.tensor and each.role != "leaf"]
    if found and found[0].nonfinite:
        return found[0].at(one.element)
    if found and found[0].is_unknown:
        return End("unknown", one, why=f"what #{origins.called(touched[0], ',')} left in it was not kept")
    watched = origins.watched_since(touched[0], one.event)
    if watched is not None:
        return End("unknown", one, why=f"from #{origins.called(watched, ',')} on the script was only watched")
    return End("unrecorded", one, since=touched[0])


def _of_gradient(origins: Origins, one: Reading) -> Reading | End:
    """Return the gradient as a hook left it, a node sent it, or the script gave it to backward."""
    hook = _hooked(origins, one, {"tensor", "node pre", "module pre"})
    if hook is not None:
        return hook
    sent = _sent(origins, one)
    wrong = [each for each in sent if each.nonfinite]
    if wrong:
        return _preferred(wrong, one)
    if any(each.is_unknown for each in sent):
        return End("unknown", one, why="the values that were sent to it were not kept")
    given = _given(origins, one)
    if given is not None:
        return given
    if len(sent) > 1:
        return End("birth", one)  # the engine's own sum of what it was sent
    return End("unrecorded", one, since=sent[0].event if sent else one.backward)


def _preferred(found: list[Reading], one: Reading) -> Reading:
    """Return the one of several that has what is followed at that element: a NaN where that is one."""

    def rank(each: Reading) -> tuple[bool, bool, bool, int]:
        here = aligned(each.value, one.element, one.value.shape)
        there = element_of(each.value, here)
        is_finite_there = there is not None and is_finite(there)
        is_other = one.has_nan and not (each.has_nan if there is None else is_nan(there))
        return is_finite_there, is_other, here is None or here != one.element, each.event

    best = min(found, key=rank)
    return best.at(one.element) if best.value.shape == one.value.shape else best.first()


def _sent(origins: Origins, one: Reading) -> list[Reading]:
    """Return what nodes sent there, as they sent it."""
    if one.node is None:
        return []
    number = one.number if one.role in {"upstream", "before"} else 0
    found = []
    for event, edge in origins.senders(one.backward, one.node, number, one.event):
        found += [each for each in traffic.made(origins, event) if each.number == edge]
    return found


def _given(origins: Origins, one: Reading) -> Reading | End | None:
    """Return what the script itself gave to backward, where that is what arrived."""
    for each in traffic.read(origins, one.backward):
        if each.role == "gradient" and each.nonfinite:
            return maker(origins, each.at(one.element))
    return None


def _hooked(origins: Origins, one: Reading, kinds: set[str]) -> Reading | None:
    """Return what the last hook made of a gradient before the event, where it changed it to what is not finite."""
    if one.node is None:
        return None
    for seq in reversed(origins.hooks(one.node, one.event - 1)):
        detail = origins.detail(seq)
        if not isinstance(detail, HookDetail) or not detail.has_run or detail.backward != one.backward:
            continue
        if detail.kind not in kinds or (detail.kind == "tensor" and detail.output_nr != one.number):
            continue
        number = 0 if detail.kind == "tensor" else one.number
        left = [each for each in traffic.made(origins, seq) if each.number == number and each.nonfinite]
        if detail.is_changed and left:
            return left[0].at(one.element)
    return None


def hooked_after(origins: Origins, sent: Reading) -> Reading | None:
    """Return what a hook made of what a node sends on, where the node itself had made it finite."""
    event = origins.event(sent.event)
    detail = origins.detail(sent.event)
    if not isinstance(detail, NodeDetail) or event.node is None:
        return None
    for seq in reversed(origins.hooks(event.node, sent.event - 1)):
        hook = origins.detail(seq)
        if seq <= detail.start or not isinstance(hook, HookDetail):
            return None
        if hook.has_run and hook.is_changed and hook.kind in {"node", "module"}:
            before = [each for each in traffic.read(origins, seq) if each.number == sent.number]
            left = [each for each in traffic.made(origins, seq) if each.number == sent.number and each.nonfinite]
            if left and not any(each.nonfinite for each in before):
                return left[0].at(sent.element)
    return None
