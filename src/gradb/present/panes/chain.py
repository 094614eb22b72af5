"""The chain-rule pane: upstream × local = downstream at one node, as mathematics and as numbers, with the check.

The mathematics comes from ``gradb.rules``, the numbers from the tape. What is not known is said, never filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.local import Check
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, layout, remark, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.json.events import change_json, step_json
from gradb.present.json.values import Json, chain_json
from gradb.present.lines.births import birth_lines
from gradb.present.lines.buffers import accumulation_lines, stale_words
from gradb.present.lines.call import forward_text
from gradb.present.lines.change import change_lines
from gradb.present.lines.hooks import after_lines, before_lines, grad_lines, made_by_node, waiting_lines
from gradb.present.lines.lesson import lesson_lines
from gradb.present.lines.local import local_lines
from gradb.present.lines.probes import asked_lines
from gradb.present.lines.remarks import remarks, scale_words
from gradb.present.lines.rewrites import (
    created_words,
    failed_words,
    left_lines,
    nonfinite_words,
    rewrite_lines,
    sent_items,
)
from gradb.present.lines.step import step_items, step_title
from gradb.present.lines.weights import loss_name, weights_note
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

_MAX_NAME = 40
_MAX_EDGES = 12
_MAX_UNSEEN = 400
_MAX_OUTPUTS = 6
_Items = list[Field | Text]


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
    if isinstance(frame.detail, LeafDetail) and frame.event is not None:
        words = (
            f"{frame.event.name} is a leaf: no op made it, so its grad_fn is None. Its AccumulateGrad is where a way of"
            " backward ends: it adds to .grad what arrives"
        )
        return Group(*birth_lines(frame, width), remark(words, width)) if frame.event.is_birth else remark(words, width)
    if born := birth_lines(frame, width):
        return Group(*born)
    return remark("no node here: nothing was computed yet that a gradient flows through", width)


def _is_accumulation(chain: Chain) -> bool:
    return chain.node_name.endswith("AccumulateGrad")


# --- the head ---------------------------------------------------------------------------------------------------------


def _title(chain: Chain, forward: str, width: int) -> list[Text]:
    """Return ``PowBackward0   d = c ** 2   ● done``, on two lines where it is narrow."""
    name = Text(plain(chain.node_name, _MAX_NAME), style=theme.TITLE)
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
        return line.append("leaf ", theme.DIM).append(_output_name(chain), theme.NAME) if is_leaf else line
    if len(chain.op.nodes) > 1:
        line.append("part of ", theme.DIM)
    elif chain.result_names and not chain.op.is_inplace:
        line.append(plain(", ".join(chain.result_names), _MAX_NAME), theme.NAME).append(" = ")
    return line.append(forward)


# --- a node -----------------------------------------------------------------------------------------------------------


def _node(chain: Chain, options: Options) -> _Items:
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


def _room(options: Options) -> int:
    return max(options.width - len(INDENT), 16)


def _output_name(chain: Chain) -> str:
    if chain.output is not None and chain.output.name:
        return plain(chain.output.name, _MAX_NAME)
    return plain(describe(chain, 0).target, _MAX_NAME) if chain.edges else "result"


def _result(chain: Chain, options: Options) -> _Items:
    if chain.output is None:
        return []
    several = [] if len(chain.output_names) < 2 or chain.op is None else chain.op.outputs
    made = [tensor for tensor in several if tensor.node == chain.node and tensor.output_nr < len(chain.output_names)]
    if len(made) < 2:
        return [Field("result", _output_name(chain), tensor_lines(chain.output.value, _room(options)))]
    named = [(chain.output_names[one.output_nr] or f"result {one.output_nr}", one.value) for one in made]
    return [
        Field("result", plain(name, _MAX_NAME), tensor_lines(value, _room(options)))
        for name, value in named[:_MAX_OUTPUTS]
    ]


def _before(chain: Chain, options: Options) -> _Items:
    """Return what the hooks made of what arrived at a node that has not begun to run."""
    return before_lines(chain, f"∂{loss_name(chain)}/∂{_output_name(chain)}", _room(options), is_summed=False)


def upstream_items(chain: Chain, options: Options) -> _Items:
    """Return what has arrived at a node: of several uses each, and their sum; and what was made of it on its way."""
    names = _names_of_outputs(chain)
    sums = [_contributions(chain, index, name, options) for index, name in enumerate(names)]
    items: _Items = []
    if len(names) > 1:
        items += wrapped(_outputs_words(names, sums), options.width, theme.DIM)
    items += [item for part in sums for item in part]
    if chain.rewrites and not any(sums):
        items += sent_items(chain, _room(options))
    if any(sums) and chain.contributions_check is not None:
        items += verdict_lines(chain.contributions_check, options.width)
    items += rewrite_lines(chain, options.width)
    symbol = f"∂{loss_name(chain)}/∂{_output_name(chain)}"
    items += before_lines(chain, symbol, _room(options), is_summed=any(sums) or bool(chain.rewrites))
    note = weights_note(chain)
    for name, value, part in zip(names, chain.upstream, sums, strict=True):
        none = "nothing of the loss depends on it"
        body = _none(none, options) if value is None else tensor_lines(value, _room(options))
        label = "= upstream" if part or chain.rewrites else "upstream"
        items.append(Field(label, f"∂{loss_name(chain)}/∂{name}", body, note, theme.UPSTREAM))
        note = ""
    return [*items, *left_lines(chain, symbol, options.width, _room(options))]


def _names_of_outputs(chain: Chain) -> list[str]:
    """Return what to call each output: of several each has its number, and its name where it has one."""
    if len(chain.upstream) == 1:
        return [_output_name(chain)]
    names = [*chain.output_names[: len(chain.upstream)], *[None] * (len(chain.upstream) - len(chain.output_names))]
    return [plain(name, _MAX_NAME) if name else f"output {index}" for index, name in enumerate(names)]


def _outputs_words(names: Sequence[str], sums: Sequence[_Items]) -> str:
    shown = ", ".join(names[:_MAX_OUTPUTS]) + (", …" if len(names) > _MAX_OUTPUTS else "")
    added = "each output adds up what its own uses send" if any(sums) else "nothing is added"
    return f"{len(names)} outputs ({shown}), each with an upstream gradient of its own: {added}"


def _none(reason: str, options: Options) -> list[Text]:
    return wrapped(f"None: {reason}", _room(options), theme.DIM)


def _contributions(chain: Chain, output: int, name: str, options: Options) -> _Items:
    """Return what flowed into one output, where that was more than one gradient."""
    found = [contribution for contribution in chain.contributions if contribution.output_nr == output]
    if len(found) < 2:
        return []
    title = f"{name} was used {len(found)} times: the chain rule adds up the paths"
    items: _Items = [*wrapped(title, options.width, theme.DIM)]
    for index, contribution in enumerate(found):
        body = tensor_lines(contribution.value, _room(options))
        sender = plain(contribution.node_name, _MAX_NAME)
        items.append(Field("+ from" if index else "  from", sender, body, style=theme.UPSTREAM))
    return items


def _edge_title(edge: ChainEdge, explanation: Explanation, width: int) -> Text:
    line = Text(no_wrap=True).append("── to ", theme.DIM).append(plain(explanation.source, _MAX_NAME), theme.NAME)
    if edge.to_name:
        line.append(f"  {plain(edge.to_name, _MAX_NAME)}", theme.DIM)
    return cut(line, width)


def _edge(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> _Items:
    return [*product_items(chain, edge, explanation, options), *rule_lines(explanation, options.width)]


def product_items(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> _Items:
    """Return what a node sends along an edge: local, downstream, whether they agree, and what hooks made of it."""
    items: _Items = [_local(chain, edge, explanation, options)]
    if (chain.state in {"done", "freed"} or chain.is_interrupted) and chain.upstream:
        symbol = f"∂{loss_name(chain)}/∂{plain(explanation.source, _MAX_NAME)}"
        items.append(Field("= downstream", symbol, _downstream(chain, edge, options), style=theme.DOWNSTREAM))
    if edge.check is not None:
        items += verdict_lines(edge.check, options.width)
    return [*items, *after_lines(chain, chain.edges.index(edge), _room(options))]


def _local(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> Field:
    body, note = local_lines(edge.local, explanation, chain, edge, options, _room(options))
    label = "× local" if chain.upstream else "local"
    if explanation.predicted is not None and not chain.upstream:
        label = "will be ×"
    is_said = len(body) == 1 and body[0].plain == explanation.local  # `= 2` and then 2 again
    symbol = explanation.symbol if is_said else explanation.math
    return Field(label, plain(symbol, 200), body, note, theme.LOCAL)


def _downstream(chain: Chain, edge: ChainEdge, options: Options) -> list[Text]:
    if chain.is_interrupted:
        return _none("the engine raised an error while this node ran", options)
    made = made_by_node(chain, chain.edges.index(edge))
    if made is not None:
        return tensor_lines(made, _room(options))
    if edge.downstream is None:
        reason = "the node sent no gradient this way" if edge.is_asked else "this backward was not asked for it"
        return _none(reason, options)
    return tensor_lines(edge.downstream, _room(options))


def verdict_lines(check: Check, width: int) -> list[Text]:
    """Return what a check has come to, led by its sign."""
    return wrapped(f"{_symbol(check)} {check.text}", width, _style(check))


def _symbol(check: Check) -> str:
    return "✗" if not check.is_ok else "✓" if check.is_compared else "–"


def _style(check: Check) -> str:
    return theme.WARNING if not check.is_ok else theme.OK if check.is_compared else theme.DIM


def rule_lines(explanation: Explanation, width: int) -> list[Text]:
    """Return what is to be said about the rule: the product, the sentence, the condition, the words in it."""
    result = wrapped(f"that is {explanation.product}", width, theme.MATH) if explanation.product else []
    for text in (explanation.sentence, explanation.condition, *explanation.legend):
        result += wrapped(text, width, theme.DIM)
    return result


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
    words = f"formulas as of torch {as_of}; the tape was recorded with {plain(chain.torch, _MAX_NAME)}" if as_of else ""
    return [*lines, *wrapped(words, width, theme.DIM)] if words else lines


# --- the end of the chain ---------------------------------------------------------------------------------------------


def _accumulation(frame: Frame, chain: Chain, options: Options) -> _Items:
    """Return before + added = after where the position is that accumulation, else what the node is for."""
    items = upstream_items(chain, options) if chain.upstream else _before(chain, options)
    buffer = next((b for b in frame.grads if b.is_current), None)
    is_here = frame.chain is not None and chain.node == frame.chain.node and isinstance(frame.detail, AccumulateDetail)
    if is_here and buffer is not None:
        items += accumulation_lines(buffer, options.width)
        items += wrapped(stale_words(buffer), options.width, theme.WARNING)
        items += verdict_lines(buffer.check, options.width) if buffer.check is not None else []
    items += [*grad_lines(chain, _room(options)), *waiting_lines(chain, options.width)]
    words = "a leaf: here the chain ends and the gradient is added to .grad"
    return [*items, *wrapped(words, options.width, theme.DIM), *_state_lines(chain, options.width)]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return ``{"chain", "step", "change"}``: the node, step or change of gradients that the position is about."""
    detail = frame.detail
    step = step_json(detail) if isinstance(detail, StepDetail) else None
    change = change_json(detail) if isinstance(detail, GradChangeDetail | ZeroGradDetail) else None
    return {"chain": chain_json(frame.chain), "step": step, "change": change}
