"""The chain-rule pane: upstream × local = downstream at one node, as mathematics and as numbers, with the check.

The mathematics comes from ``gradb.rules``, the numbers from the tape. What is not known is said, never filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import Field, cut, layout, remark, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.json.events import change_json, step_json
from gradb.present.json.values import Json, chain_json
from gradb.present.lines.births import birth_lines
from gradb.present.lines.buffers import accumulation_lines, stale_words
from gradb.present.lines.call import forward_text
from gradb.present.lines.change import change_lines
from gradb.present.lines.hooks import before_lines, grad_lines, waiting_lines
from gradb.present.lines.lesson import lesson_lines
from gradb.present.lines.nodeless import nodeless_words
from gradb.present.lines.probes import asked_lines
from gradb.present.lines.product import (
    MAX_NAME,
    MAX_OUTPUTS,
    Items,
    output_name,
    product_items,
    room,
    rule_lines,
    upstream_items,
    verdict_lines,
)
from gradb.present.lines.remarks import remarks, scale_words
from gradb.present.lines.rewrites import (
    created_words,
    failed_words,
    nonfinite_words,
)
from gradb.present.lines.step import step_items, step_title
from gradb.present.lines.weights import loss_name
from gradb.present.options import Options
from gradb.rules import describe, examined
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail

if TYPE_CHECKING:
    from gradb.rules.explain import Explanation

_MAX_EDGES = 12
_MAX_UNSEEN = 400


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the record of the selected node, or of the node or the step that the position is about."""
    chain, width = options.chain or frame.chain, options.width
    if options.chain is None and isinstance(frame.detail, StepDetail):
        drawn = [
            step_title(frame.detail, width),
            *birth_lines(frame, width),
            *layout(step_items(frame.detail, width), width),
        ]
    elif options.chain is None and isinstance(frame.detail, GradChangeDetail | ZeroGradDetail):
        drawn = [*change_lines(frame, frame.detail, width), *birth_lines(frame, width)]
    elif chain is None or (options.chain is None and isinstance(frame.detail, NoteDetail)):
        return _nothing(frame, width)
    else:
        chain = examined(chain)
        items = _accumulation(frame, chain, options) if _is_accumulation(chain) else _node(chain, options)
        born = birth_lines(frame, width) if options.chain is None else []
        drawn = [*_title(chain, forward_text(frame, chain), width), *born, *layout(items, width)]
    if options.height is not None and len(drawn) > options.height:
        left = len(drawn) - options.height + 1
        drawn = [*drawn[: options.height - 1], Text(f"… {left} more lines", style=theme.DIM)]
    return Group(*drawn)


def _nothing(frame: Frame, width: int) -> Group:
    if frame.position == 0:
        begin = wrapped("before the first event: step forward to begin", width, theme.DIM)
        return Group(*begin, *lesson_lines(frame.source, width))
    if isinstance(frame.detail, NoteDetail):
        return Group(*wrapped(frame.detail.text, width, theme.DIM))
    born = birth_lines(frame, width)
    if born and not isinstance(frame.detail, LeafDetail):
        return Group(*born)
    return Group(*born, remark(nodeless_words(frame), width))


def _is_accumulation(chain: Chain) -> bool:
    return chain.node_name.endswith("AccumulateGrad")


# --- the head ---------------------------------------------------------------------------------------------------------


def _title(chain: Chain, forward: str, width: int) -> list[Text]:
    """Return ``PowBackward0   d = c ** 2   ● done``, on two lines where it is narrow."""
    name = Text(plain(chain.node_name, MAX_NAME), style=theme.TITLE)
    state = Text(f"{theme.STATE_SYMBOLS[chain.state]} {chain.state}", style=theme.STATE_STYLES[chain.state])
    if odd := nonfinite_words(chain):
        words = f"× {odd}" if name.cell_len + state.cell_len + len(f"× {odd}") + 3 <= width else "×"
        state = Text.assemble((words, theme.NONFINITE), "  ", state)
    call = _call(chain, forward)
    if name.cell_len + call.cell_len + state.cell_len + 6 <= width:
        gap = " " * (width - name.cell_len - call.cell_len - state.cell_len - 3)
        return [Text.assemble(name, "   ", call, gap, state, no_wrap=True)]
    gap = " " * max(width - name.cell_len - state.cell_len, 1)
    return [Text.assemble(name, gap, state, no_wrap=True), *([cut(call, width)] if call.plain else [])]


def _call(chain: Chain, forward: str) -> Text:
    """Return the forward call in the script's names: ``d = c ** 2``; one of several nodes is a part of it."""
    line = Text(no_wrap=True)
    if chain.op is None:
        is_leaf = chain.output is not None and chain.output.name and _is_accumulation(chain)
        return line.append("leaf ", theme.DIM).append(output_name(chain), theme.NAME) if is_leaf else line
    if len(chain.op.nodes) > 1:
        line.append("part of ", theme.DIM)
    elif chain.result_names and not chain.op.is_inplace:
        line.append(plain(", ".join(chain.result_names), MAX_NAME), theme.NAME).append(" = ")
    return line.append(forward)


# --- a node -----------------------------------------------------------------------------------------------------------


def _node(chain: Chain, options: Options) -> Items:
    explained = [(edge, describe(chain, index)) for index, edge in enumerate(chain.edges[:_MAX_EDGES])]
    wanted = [(edge, explanation) for edge, explanation in explained if edge.to is not None]
    items = upstream_items(chain, options) if chain.upstream else [*_result(chain, options), *_before(chain, options)]
    for edge, explanation in wanted:
        if len(wanted) > 1:
            items.append(_edge_title(edge, explanation, options.width))
        items += _edge(chain, edge, explanation, options)
    if len(chain.edges) > _MAX_EDGES:
        items.append(Text(f"… and {len(chain.edges) - _MAX_EDGES} more edges", style=theme.DIM))
    items += _unwanted([explanation for edge, explanation in explained if edge.to is None], options.width)
    items += waiting_lines(chain, options.width)
    items += asked_lines(chain, options)
    items += _remarks(chain, options.width)
    items += _state_lines(chain, options.width)
    return [*items, *_pytorch(chain, [explanation for _, explanation in wanted], options.width)]


def _result(chain: Chain, options: Options) -> Items:
    if chain.output is None:
        return []
    several = [] if len(chain.output_names) < 2 or chain.op is None else chain.op.outputs
    made = [tensor for tensor in several if tensor.node == chain.node and tensor.output_nr < len(chain.output_names)]
    if len(made) < 2:
        return [Field("result", output_name(chain), tensor_lines(chain.output.value, room(options)))]
    named = [(chain.output_names[one.output_nr] or f"result {one.output_nr}", one.value) for one in made]
    return [
        Field("result", plain(name, MAX_NAME), tensor_lines(value, room(options)))
        for name, value in named[:MAX_OUTPUTS]
    ]


def _before(chain: Chain, options: Options) -> Items:
    """Return what the hooks made of what arrived at a node that has not begun to run."""
    return before_lines(chain, f"∂{loss_name(chain)}/∂{output_name(chain)}", room(options), is_summed=False)


def _edge_title(edge: ChainEdge, explanation: Explanation, width: int) -> Text:
    line = Text(no_wrap=True).append("── to ", theme.DIM).append(plain(explanation.source, MAX_NAME), theme.NAME)
    if edge.to_name:
        line.append(f"  {plain(edge.to_name, MAX_NAME)}", theme.DIM)
    return cut(line, width)


def _edge(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> Items:
    return [*product_items(chain, edge, explanation, options), *rule_lines(explanation, options.width)]


def _remarks(chain: Chain, width: int) -> list[Text]:
    sentences = [*remarks(chain), scale_words(chain)]
    return [line for sentence in sentences if sentence for line in wrapped(sentence, width, theme.LABEL)]


def _unwanted(explanations: Sequence[Explanation], width: int) -> list[Text]:
    names = ", ".join(dict.fromkeys(explanation.source for explanation in explanations))
    return wrapped(f"no gradient is wanted for {names}", width, theme.DIM) if names else []


_STATE_WORDS: dict[str, str | Callable[[Chain], str]] = {
    "created": created_words,
    "failed": failed_words,
    "unrecorded": lambda chain: f"whether it has run is not known: {plain(chain.unseen, _MAX_UNSEEN)}",
    "pending": "waits for its turn in this backward",
    "running": "about to run: downstream is not known yet",
    "freed": "its saved values are freed: another backward through it raises an error",
}


def _state_lines(chain: Chain, width: int) -> list[Text]:
    """Say what has not happened yet, or can happen no more."""
    told = _STATE_WORDS.get(chain.state)
    words = told(chain) if callable(told) else told or ""
    style = theme.WARNING if chain.state == "failed" else theme.DIM
    return wrapped(f"{theme.STATE_SYMBOLS[chain.state]} {words}", width, style) if words else []


def _pytorch(chain: Chain, explanations: Sequence[Explanation], width: int) -> list[Text]:
    """Show PyTorch's own formulas, and as of which version all of it holds where the tape's own was not measured."""
    seen = dict.fromkeys(explanation.pytorch for explanation in explanations if explanation.pytorch)
    lines = [line for formula in seen for line in wrapped(f"PyTorch: {formula}", width, theme.DIM)]
    as_of = next((explanation.as_of for explanation in explanations), "")
    words = f"formulas as of torch {as_of}; the tape was recorded with {plain(chain.torch, MAX_NAME)}" if as_of else ""
    return [*lines, *wrapped(words, width, theme.DIM)] if words else lines


# --- the end of the chain ---------------------------------------------------------------------------------------------


def _accumulation(frame: Frame, chain: Chain, options: Options) -> Items:
    """Return before + added = after where the position is that accumulation, else what the node is for."""
    items = upstream_items(chain, options) if chain.upstream else _before(chain, options)
    buffer = next((b for b in frame.grads if b.is_current), None)
    is_here = frame.chain is not None and chain.node == frame.chain.node and isinstance(frame.detail, AccumulateDetail)
    if is_here and buffer is not None:
        items += accumulation_lines(buffer, options.width)
        items += wrapped(stale_words(buffer), options.width, theme.WARNING)
        items += verdict_lines(buffer.check, options.width) if buffer.check is not None else []
    items += [*grad_lines(chain, room(options)), *waiting_lines(chain, options.width)]
    words = "a leaf: here the chain ends and the gradient is added to .grad"
    return [*items, *wrapped(words, options.width, theme.DIM), *_state_lines(chain, options.width)]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return ``{"chain", "step", "change"}``: the node, step or change of gradients that the position is about."""
    detail = frame.detail
    step = step_json(detail) if isinstance(detail, StepDetail) else None
    change = change_json(detail) if isinstance(detail, GradChangeDetail | ZeroGradDetail) else None
    return {"chain": chain_json(frame.chain), "step": step, "change": change}
