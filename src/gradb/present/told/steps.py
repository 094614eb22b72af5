"""One step of a run in sentences: place, event and what happened, and below it the values that it was about.

At a backward node that is its product by the chain rule, edge by edge, with what the check of each says.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.frame import Frame
from gradb.frame.gradbuffer import GradBuffer
from gradb.present.draw.fields import Field
from gradb.present.draw.files import relative
from gradb.present.draw.numbers import inline
from gradb.present.draw.safe import plain, plain_path
from gradb.present.lines.births import birth_lines
from gradb.present.lines.buffers import accumulation_lines, stale_words
from gradb.present.lines.headline import describe as clause
from gradb.present.lines.hooks import grad_lines
from gradb.present.lines.product import product_items, rule_lines, upstream_items, verdict_lines
from gradb.present.lines.step import is_descent
from gradb.present.lines.unrecorded import unrecorded
from gradb.present.options import Options
from gradb.present.told.sentences import ended, even, joined, sentences
from gradb.rules import describe, examined
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.values import TensorValue

INDENT = "    "
_MAX_EDGES = 4
"""Edges of a node that are told in several lines each; of more, each has one."""
_MAX_LINES = 50
"""Edges, and parameters, that are told at all."""
_MAX_VALUES = 4
_NAME_LIMIT = 60
_ROOM = 72
"""Characters of a value that is told in the midst of a sentence."""


def step_lines(frame: Frame, width: int, *, with_rules: bool = True) -> list[str]:
    """Return what happened at a position: a sentence, and what there is to say of it, set in.

    Args:
        frame: the position.
        width: about how many characters a value may take.
        with_rules: whether the rule behind a node's product is told too.
    """
    missing = unrecorded(frozenset({"event"}), frame)
    below = [f"! {plain(missing, 400)}"] if missing else []
    below += _birth(frame, width) + _below(frame, width, with_rules=with_rules)
    return [f"{_place(frame)}: {ended(clause(frame))}", *(f"{INDENT}{line}" for line in below)]


def _place(frame: Frame) -> str:
    """Return ``train.py:14, event 12``."""
    event = frame.event
    file = relative(event.file, frame.run) if event is not None else None
    where = "" if file is None or event is None or event.line is None else f"{plain(file, 200)}:{event.line}, "
    return f"{where}event {frame.called(frame.position, ',')}"


def _birth(frame: Frame, width: int) -> list[str]:
    lines = birth_lines(frame, width)
    return [joined(lines, 4 * width)] if lines else []


def _below(frame: Frame, width: int, *, with_rules: bool) -> list[str]:
    match frame.detail:
        case OpDetail() as op:
            return _values(_outputs(op, frame.chain))
        case LeafDetail(tensor):
            return _values([tensor])
        case NodeDetail() if frame.chain is not None:
            return _product(examined(frame.chain), Options(width=width), with_rules=with_rules)
        case AccumulateDetail():
            return _accumulation(frame, width)
        case ZeroGradDetail() | GradChangeDetail():
            return _changed(frame, width)
        case HookDetail() as hook if hook.has_run and hook.is_changed:
            return [f"from {_value(before)} to {_value(after)}" for before, after in _pairs(hook)]
        case StepDetail() as step:
            return _step(step)
    return []


# --- values -----------------------------------------------------------------------------------------------------------


def _values(tensors: Sequence[Tensor | None]) -> list[str]:
    found = [tensor for tensor in tensors if tensor is not None]
    told = [f"{plain_path(one.name or 'the result', _NAME_LIMIT)} is {_value(one)}" for one in found[:_MAX_VALUES]]
    return [*told, f"and {len(found) - _MAX_VALUES} more"] if len(found) > _MAX_VALUES else told


def _outputs(op: OpDetail, chain: Chain | None) -> Sequence[Tensor | None]:
    """Return what an op made; a single result with the name that it has at the position."""
    is_single = len(op.outputs) == 1 and chain is not None and chain.op == op and chain.output is not None
    return [chain.output] if is_single and chain is not None else op.outputs


def _value(tensor: Tensor | None) -> str:
    return _inline(None if tensor is None else tensor.value)


def _inline(value: TensorValue | None) -> str:
    return even(inline(value, _ROOM).plain)


def _pairs(hook: HookDetail) -> list[tuple[Tensor | None, Tensor | None]]:
    return list(zip(hook.before, hook.after, strict=False))[:_MAX_VALUES]


# --- a node -----------------------------------------------------------------------------------------------------------


def _product(chain: Chain, options: Options, *, with_rules: bool) -> list[str]:
    """Return upstream × local = downstream, edge by edge."""
    limit = 2 * options.width
    told = sentences(upstream_items(chain, options), limit) if chain.upstream else []
    rules: set[str] = set()  # those that were told: edges of one node often share theirs
    wanted = [index for index, edge in enumerate(chain.edges) if edge.to is not None]
    is_brief = len(wanted) > _MAX_EDGES
    for index in wanted[:_MAX_LINES]:
        edge, explained = chain.edges[index], describe(chain, index)
        product = sentences(product_items(chain, edge, explained, options), limit)
        source = f"to {plain(explained.source, _NAME_LIMIT)}"
        if is_brief:
            told.append(f"{source}: {'; '.join(product)}")
            continue
        told += [f"{source}{_by_name(edge)}:"] if len(wanted) > 1 else []
        told += product
        if with_rules:
            new = [rule for rule in sentences(rule_lines(explained, options.width), limit) if rule not in rules]
            rules.update(new)
            told += new
    return [*told, f"and {len(wanted) - _MAX_LINES} more edges"] if len(wanted) > _MAX_LINES else told


def _by_name(edge: ChainEdge) -> str:
    return f", by {plain(edge.to_name, _NAME_LIMIT)}" if edge.to_name else ""


# --- .grad ------------------------------------------------------------------------------------------------------------


def _accumulation(frame: Frame, width: int) -> list[str]:
    """Return ``a.grad: None + [28 36] = [28 36]``, and what is to be known of it."""
    buffer = next((one for one in frame.grads if one.is_current), None)
    if buffer is None:
        return []
    told = [_buffer(buffer, width)]
    told += [stale] if (stale := stale_words(buffer)) else []
    items: list[Field | Text] = [*verdict_lines(buffer.check, width)] if buffer.check is not None else []
    items += grad_lines(frame.chain, width) if frame.chain is not None else []
    return [*told, *sentences(items, width)]


def _changed(frame: Frame, width: int) -> list[str]:
    """Return what became of each buffer that was cleared or changed."""
    found = [one for one in frame.grads if one.is_current and (one.before, one.after) != (None, None)]
    told = [_buffer(one, width) for one in found[:_MAX_VALUES]]
    return [*told, f"and {len(found) - _MAX_VALUES} more"] if len(found) > _MAX_VALUES else told


def _buffer(buffer: GradBuffer, width: int) -> str:
    """Return ``a.grad: None + [28 36] = [28 36]``, or ``a.grad: was [28 36]; now None``."""
    name, *parts = accumulation_lines(buffer, 3 * width)
    if parts:
        return f"{name.plain}: {joined(parts, 3 * width)}"
    return even(name.plain.replace("  ", ": ", 1))


# --- a step -----------------------------------------------------------------------------------------------------------


def _step(detail: StepDetail) -> list[str]:
    """Return a line for each parameter: before, its gradient, after."""
    told = [_parameter(detail, index) for index in range(len(detail.parameters))[:_MAX_LINES]]
    left = len(detail.parameters) - _MAX_LINES
    return [*told, f"and {left} more parameters"] if left > 0 else told


def _parameter(detail: StepDetail, index: int) -> str:
    after = detail.parameters[index]
    parts = []
    before = detail.before[index] if index < len(detail.before) else None
    gradient = detail.gradients[index] if index < len(detail.gradients) else None
    parts += [f"before {_inline(before)}"] if before is not None else []
    parts += [f"gradient {_inline(gradient)}"] if index < len(detail.gradients) else []
    parts.append(f"after {_inline(after.value)}")
    rate = detail.learning_rates[0] if len(detail.learning_rates) == 1 else None
    if before is not None and gradient is not None and rate is not None and is_descent(after, before, gradient, rate):
        parts.append("✓ before - rate · gradient = after")
    return f"{plain_path(after.name or f'leaf #{after.id}', _NAME_LIMIT)}: {', '.join(parts)}"
