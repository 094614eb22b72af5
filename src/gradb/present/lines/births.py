"""Says of an event at which a value that is not finite was born: what it made, and of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import indented, wrapped
from gradb.present.draw.numbers import nonfinite_text
from gradb.present.draw.safe import plain
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.oddity import born
from gradb.tape.schema import INFINITY, NAN
from gradb.tape.values import TensorValue

_MAX_NAME = 40
_MOST = 4
Named = tuple[str, TensorValue | None]


def birth_lines(frame: Frame, width: int) -> list[Text]:
    """Return what was born at the event of a position, and of what; nothing where nothing was."""
    event = frame.event
    if event is None or not event.is_birth:
        return []
    made, given = _values(frame)
    if isinstance(frame.detail, LeafDetail):
        name = plain(frame.detail.tensor.name or "the leaf", _MAX_NAME)
        words = f"× not finite, came in from outside: it was there when {name} was first seen"
        return [*wrapped(words, width, theme.NONFINITE), *_listed(made, width)]
    if not born(_oddity(made), _oddity(given)) and _oddity(given):
        return [_head("not finite, from outside: shown here first"), *_listed(given, width)]
    if not _oddity(made):
        return [_head("not finite: seen here first; its birth was not seen")]
    lines = [_head("not finite: born here"), *_listed(made, width)]
    if odd := _listed(given, width):
        return [*lines, Text("given", style=theme.DIM), *odd]
    return [*lines, *wrapped("all that is known of what it was given is finite", width, theme.DIM)]


def _head(words: str) -> Text:
    return Text(f"× {words}", style=theme.NONFINITE)


def _values(frame: Frame) -> tuple[list[Named], list[Named]]:
    """Return the values that the event of a frame made, and those that it was given, with names."""
    match frame.detail:
        case OpDetail() as op:
            return _tensors(op.outputs, "the result"), _tensors(op.inputs, "an input")
        case LeafDetail(tensor):
            return _tensors([tensor], "the leaf"), []
        case NodeDetail() as node:
            return _sent(node, frame.chain), _upstream(frame.chain)
        case BackwardStartDetail() as start:
            return [], _tensors(start.gradients, "a gradient")
        case AccumulateDetail() as accumulate:
            name = f"{accumulate.parameter}.grad"
            return [(name, accumulate.after)], [(f"{name} before", accumulate.before), ("added", accumulate.added)]
        case HookDetail() as hook:
            return _tensors(hook.after, "its result"), _tensors(hook.before, "the gradient")
        case GradChangeDetail() as change:
            after = [(f"{one.parameter}.grad", one.after) for one in change.changed]
            return after, [(f"{one.parameter}.grad before", one.before) for one in change.changed]
        case StepDetail() as step:
            names = [one.name or f"parameter {number}" for number, one in enumerate(step.parameters, 1)]
            before = [(f"{name} before", value) for name, value in zip(names, step.before, strict=False)]
            gradients = [(f"{name}.grad", value) for name, value in zip(names, step.gradients, strict=False)]
            return _tensors(step.parameters, "a parameter"), [*before, *gradients]
    return [], []


def _upstream(chain: Chain | None) -> list[Named]:
    return [] if chain is None else [("upstream", value) for value in chain.upstream]


def _sent(node: NodeDetail, chain: Chain | None) -> list[Named]:
    targets = [edge.to_name for edge in chain.edges] if chain is not None else []
    names = [f"sent to {name}" for name in targets] + ["sent on"] * len(node.downstream)
    return [(name, None if one is None else one.value) for name, one in zip(names, node.downstream, strict=False)]


def _tensors(tensors: Iterable[Tensor | None], otherwise: str) -> list[Named]:
    return [(tensor.name or otherwise, tensor.value) for tensor in tensors if tensor is not None]


def _oddity(values: Sequence[Named]) -> int:
    odd = 0
    for _, value in values:
        found = None if value is None else value.nonfinite()
        if found is not None:
            odd |= NAN * (found.nan > 0) | INFINITY * (found.posinf + found.neginf > 0)
    return odd


def _listed(values: Sequence[Named], width: int) -> list[Text]:
    """Return a line for each value that is not finite: its name, how many elements, and the first."""
    lines = []
    for name, value in values:
        if value is not None and (found := value.nonfinite()) is not None:
            line = Text.assemble((f"{plain(name, _MAX_NAME)}: ", theme.DIM), nonfinite_text(found, value.shape))
            lines.append(indented(line, width))
    left = len(lines) - _MOST
    return lines if left <= 1 else [*lines[:_MOST], Text(f"  … {left} more", style=theme.DIM)]
