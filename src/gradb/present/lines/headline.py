"""One line on where we are: position, phase, what just happened, and the line of the script."""

from __future__ import annotations

import re
from typing import assert_never

from rich.text import Text

from gradb.algebra.figures import counted, number
from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import wrapped
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain, plain_lines
from gradb.present.lines.call import aten_clause, call_text, forward_text, written
from gradb.present.lines.hooks import KINDS
from gradb.present.lines.leaf import leaf_name
from gradb.present.lines.printed import print_clause
from gradb.present.lines.progress import backward_clause, iteration_text
from gradb.present.lines.step import rates_text
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.loss import LossDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.print_ import PrintDetail
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail

_CLEARING = re.compile(r"[^()]+\.zero_grad\([^()]*\)")
_TEXT_LIMIT = 200
_LEAST_CLAUSE = 24  # cells that are left of what happened, where there is little room
_MAX_ERROR_LINES = 8


def headline(frame: Frame, width: int | None = None) -> Text:
    """Return ``10/21 backward  PowBackward0 has run (d = c ** 2)  chain_rule.py:12``, cut to ``width``.

    What happened gives way to where: the chain pane has it too.
    """
    line = Text(no_wrap=True)
    line.append(f"{frame.called.among(frame.position, frame.head)} ", theme.DIM)
    line.append(f"{plain(frame.phase)}{backward_clause(frame)} ", theme.PHASE_STYLES.get(frame.phase, ""))
    clause, place = Text(f" {describe(frame)}", theme.TITLE), _place(frame)
    if width is not None:
        room = width - line.cell_len - place.cell_len - 1
        clause.truncate(max(room, _LEAST_CLAUSE), overflow="ellipsis")
    line.append_text(clause).append(" ", theme.TITLE).append_text(place)
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line


def _place(frame: Frame) -> Text:
    """Return ``chain_rule.py:12  in layer1.0  iteration 2 of 6``, as far as it is known."""
    event, text = frame.event, ""
    if event is not None and event.file is not None:
        file = plain(event.file.rpartition("/")[2], _TEXT_LIMIT)
        text += f" {file}:{event.line}" if event.line else f" {file}"
    if event is not None and event.scope:
        text += f"  in {plain(event.scope, _TEXT_LIMIT)}"
    if frame.training.is_over:
        text += f"  after iteration {frame.training.iterations}"
    elif frame.iteration > 1 or frame.training.total > 1:
        text += f"  {iteration_text(frame.iteration, frame.training.total)}"
    return Text(text, theme.DIM)


def headline_lines(frame: Frame, width: int) -> list[Text]:
    """Return the head line; at an error, below it, the whole message."""
    lines = [headline(frame, width)]
    if isinstance(frame.detail, ErrorDetail):
        told = f"{frame.detail.type}: {frame.detail.message}".splitlines()
        more = len(told) - _MAX_ERROR_LINES
        whole = "\n".join([*told[:_MAX_ERROR_LINES], *([f"… {more} more lines"] if more > 0 else [])])
        lines += [piece for line in plain_lines(whole) for piece in wrapped(line, width, theme.WARNING)]
    return lines


def describe(frame: Frame) -> str:
    """Say in one clause what happened at the position."""
    if frame.event is None or frame.detail is None:
        return "before the first event"
    chain = frame.chain
    if isinstance(frame.detail, OpDetail) and chain is not None and chain.op == frame.detail:
        return plain(_again(frame.detail) + _made(frame, chain), _TEXT_LIMIT)
    clause = _clause(frame, frame.event, frame.detail)
    if isinstance(frame.detail, NodeDetail | NodeStartDetail) and chain is not None and chain.op is not None:
        clause = f"{clause} ({_forward(frame, chain)})"
    return plain(clause, _TEXT_LIMIT)


def _made(frame: Frame, chain: Chain) -> str:
    """Return ``b = 2 * a → MulBackward0``."""
    return f"{_forward(frame, chain)} → {chain.node_name}"


def _forward(frame: Frame, chain: Chain) -> str:
    """Return ``b = 2 * a``."""
    name = ", ".join(chain.result_names) if chain.op is not None and not chain.op.is_inplace else ""
    return f"{f'{name} = ' if name else ''}{forward_text(frame, chain)}"


def _op(event: Event, detail: OpDetail) -> str:
    names = ", ".join(tensor.name for tensor in detail.outputs if tensor.name)
    made = f"{names} = " if names and not detail.is_inplace else ""
    where = f" (in place on {names})" if names and detail.is_inplace else ""
    kind = f" → {event.name}" if detail.nodes else ""
    return f"{_again(detail)}{made}{call_text(detail)}{kind}{where}"


def _again(detail: OpDetail) -> str:
    return "recomputed: " if detail.is_recomputed else "" if detail.inside is None else "inside a backward: "


def _accumulate(detail: AccumulateDetail) -> str:
    return f"gradient added to {detail.parameter}.grad"


def _hook(detail: HookDetail) -> str:
    name = f"{KINDS.get(detail.kind, detail.kind)} {detail.function}"
    if not detail.has_run:
        return f"{name} {'removed' if detail.kind == 'removed' else 'registered'}"
    if detail.error:
        return f"{name} raised {detail.error}"
    return f"{name} has run and {'changed the gradient' if detail.is_changed else 'changed nothing'}"


def _backward_start(detail: BackwardStartDetail) -> str:
    names = ", ".join(_root(tensor) for tensor in detail.roots)
    flags = [name for name in ("retain_graph", "create_graph") if getattr(detail, name)]
    return f"{detail.call} begins from {names}" + (f" ({', '.join(flags)})" if flags else "")


def _root(tensor: Tensor) -> str:
    name = tensor.name or "unnamed"
    return name if tensor.value.numel == 1 else f"{name} {shape_text(tensor.value.shape)}, not a scalar"


def _backward_end(detail: BackwardEndDetail) -> str:
    if detail.error:
        return f"the engine raised {detail.error}"
    return "the engine returned the gradients: no .grad was filled" if detail.results else "the engine returned"


def _zero_grad(detail: ZeroGradDetail, source: str) -> str:
    names = _names(detail.cleared)
    if detail.idiom == "policy on":
        return f"gradb cleared {names or 'nothing'}: zero_grad is on, and the script had not"
    call = _zeroing(detail, source)
    if detail.is_suppressed:
        kept = f", {names} kept" if names and call.endswith(")") else ""
        return f"{call} did nothing{kept}: zero_grad is off"
    if not detail.cleared:
        return f"{call} found nothing to clear"
    return f"{call} cleared {names}" if detail.idiom.endswith(".zero_grad") else f"{call} cleared it"


def _zeroing(detail: ZeroGradDetail, source: str) -> str:
    """Return the idiom as it stands in the script: ``optimizer1.zero_grad()``, ``w.grad = None``.

    Where a library calls it, the script's text is another: then it is told by what kind of thing is asked to clear.
    """
    if not detail.idiom.endswith(".zero_grad"):
        return _edit(detail.idiom, detail.cleared)
    return source if _CLEARING.fullmatch(source) else f"{detail.idiom}()"


def _edit(idiom: str, buffers: tuple[BufferChange, ...]) -> str:
    """Return ``w.grad = None``, ``del w.grad``, ``w.grad.mul_()``; a function of torch's as it is called."""
    name = buffers[0].parameter if len(buffers) == 1 else "a tensor"
    if idiom.startswith("del "):
        return f"del {name}.grad"
    call = f"{name}.{idiom}" if idiom.startswith("grad") else idiom
    return call if "=" in call else f"{call}()"


def _grad_change(detail: GradChangeDetail) -> str:
    names = _names(detail.changed)
    if detail.by == "GradScaler.unscale_":
        clause = f"GradScaler divided {names}'s .grad by the scale"
    else:
        call = _edit(detail.by, detail.changed)
        clause = f"{call} changed {'it' if len(detail.changed) == 1 and names in call else names}"
    if detail.norm_before is None or detail.norm_after is None:
        return clause
    return f"{clause}: norm {number(detail.norm_before)} → {number(detail.norm_after)}"


def _names(buffers: tuple[BufferChange, ...]) -> str:
    return ", ".join(one.parameter for one in buffers[:4]) + (", …" if len(buffers) > 4 else "")


def _end(detail: EndDetail) -> str:
    reason = detail.reason or "the script is over"
    return reason if detail.exit_code is None else f"{reason}, exit code {detail.exit_code}"


def _breakpoint(event: Event, detail: BreakpointDetail) -> str:
    return f"{event.name} in the script{f': {detail.header}' if detail.header else ''}"


def _node_start(event: Event) -> str:
    return f"{event.name} is about to run"


def _error(detail: ErrorDetail) -> str:
    told = f"{detail.type}: {detail.message}" if detail.message else detail.type
    return f"uncaught {told}" if detail.is_uncaught else told


def _output(detail: OutputDetail) -> str:
    return f"{detail.stream}: {detail.text.strip()}"


def _note(detail: NoteDetail) -> str:
    return f"gradb: {detail.text}"


def _step(detail: StepDetail) -> str:
    if detail.skipped:
        return f"{detail.optimizer} step skipped by GradScaler: {detail.skipped}"
    count = len(detail.parameters)
    of = f" of {counted(count, 'parameter')}" if count else ""
    return f"{detail.optimizer} step{of}, {rates_text(detail)}"


def _loss(detail: LossDetail) -> str:
    roots = ", ".join(f"{name} = {number(value)}" for name, value in detail.roots)
    return f"backward from {roots or 'what is not a scalar'}, only watched"


def intervention_words(detail: InterventionDetail) -> str:
    """Return ``zero_grad is off from here on, it was as written``."""
    if detail.what == "zero_grad":
        before, after = (_POLICIES.get(value, value) for value in (detail.before, detail.after))
        return f"zero_grad is {after} from here on, it was {before}"
    before, after = ("the script's own" if value == "script" else value for value in (detail.before, detail.after))
    return f"learning rate is {after} from the next step on, it was {before}"


_POLICIES = {"script": "as written"}
_DEPTHS = {
    "full": "everything is recorded from here on",
    "watch": "only losses, norms and changes are recorded from here on",
}


def _depth(detail: DepthDetail) -> str:
    words = _DEPTHS.get(detail.depth, detail.depth)
    return f"{words}: {detail.reason}" if detail.reason else words


_ASKED = {"full": "all of its Jacobian", "random": "a random direction", "with": "a direction given"}


def _probe(event: Event, detail: ProbeDetail) -> str:
    what = _ASKED.get(detail.what, f"a {detail.what}")
    return f"{event.name} was probed as asked: {what}" + (f", {detail.note}" if detail.note else "")


def _clause(frame: Frame, event: Event, detail: Detail) -> str:
    match detail:
        case LeafDetail():
            return f"leaf {leaf_name(frame, event, detail)} requires grad ({detail.how or 'leaf'})"
        case OpDetail():
            return _op(event, detail)
        case BackwardStartDetail():
            return _backward_start(detail)
        case NodeStartDetail():
            return _node_start(event)
        case AtenDetail():
            return aten_clause(frame.aten, detail)
        case NodeDetail():
            return f"{event.name} has run"
        case ProbeDetail():
            return _probe(event, detail)
        case AccumulateDetail():
            return _accumulate(detail)
        case HookDetail():
            return _hook(detail)
        case BackwardEndDetail():
            return _backward_end(detail)
        case ZeroGradDetail():
            return _zero_grad(detail, written(frame, event))
        case GradChangeDetail():
            return _grad_change(detail)
        case StepDetail():
            return _step(detail)
        case LossDetail():
            return _loss(detail)
        case InterventionDetail():
            return intervention_words(detail)
        case DepthDetail():
            return _depth(detail)
        case OutputDetail():
            return _output(detail)
        case ErrorDetail():
            return _error(detail)
        case NoteDetail():
            return _note(detail)
        case EndDetail():
            return _end(detail)
        case BreakpointDetail():
            return _breakpoint(event, detail)
        case PrintDetail():
            return print_clause(detail)
        case _:
            assert_never(detail)
