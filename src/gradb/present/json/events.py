"""Events as JSON: the contract that ``gradb events`` prints, and what the panes' JSON shares with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, assert_never

from gradb.algebra.jacobian import local
from gradb.frame.chain.probes import record
from gradb.frame.chain.record import Chain
from gradb.frame.frame import RunInfo
from gradb.present.draw.files import relative
from gradb.present.json.values import (
    Json,
    asked_json,
    chain_json,
    local_json,
    number_json,
    tensor_json,
    value_json,
)
from gradb.present.lines.change import shared_factor
from gradb.tape.expressions.measures import update_of
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
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.missing import Gap


class Reader(Protocol):
    """The part of a tape that is read here."""

    @property
    def run(self) -> RunInfo:
        """Facts of the run."""
        ...

    def detail(self, seq: int) -> Detail:
        """Return the detail of an event."""
        ...

    def chain(self, node_id: int, position: int) -> Chain | None:
        """Return the chain-rule record of a node as of a position."""
        ...

    def library(self, seq: int) -> str:
        """Return where in a library an event happened; empty where in none."""
        ...

    def missing(self, seq: int) -> tuple[Gap, ...]:
        """Return the parts that are missing from an event."""
        ...


# --- events -----------------------------------------------------------------------------------------------------------


def event_json(tape: Reader, event: Event) -> Json:
    """Return one event as the object that ``gradb events`` prints on its line."""
    head: Json = {
        "seq": event.seq,
        "kind": event.kind,
        "name": event.name,
        "file": relative(event.file, tape.run),
        "line": event.line,
        "library": tape.library(event.seq) or None,
        "scope": event.scope,
        "iteration": event.iteration,
        "phase": event.phase,
        "quiet": event.is_quiet,
        "nonfinite": event.has_nonfinite,
        "nan": event.has_nan,
        "inf": event.has_inf,
        "birth": event.is_birth,
        "scaled": event.is_scaled,
        "grad_mode": event.grad_mode,
        "missing": [f"{gap.part}: {gap.why}" for gap in tape.missing(event.seq)],
    }
    return head | _detail_json(tape, event, tape.detail(event.seq))


def _tensors(tensors: tuple[Tensor | None, ...]) -> list[Json | None]:
    return [tensor_json(tensor) for tensor in tensors]


def _arguments(arguments: tuple[tuple[str, str], ...]) -> list[Json]:
    return [{"keyword": keyword or None, "text": text} for keyword, text in arguments]


def _op(tape: Reader, event: Event, detail: OpDetail) -> Json:
    chains = {node: tape.chain(node, event.seq) for node in detail.nodes}
    names = {node: event.name if node == event.node else chain and chain.node_name for node, chain in chains.items()}
    return {
        "function": detail.function,
        "inputs": _tensors(detail.inputs),
        "outputs": [tensor_json(_named(output, chains)) for output in detail.outputs],
        "arguments": _arguments(detail.arguments),
        "nodes": [{"id": node, "name": name} for node, name in names.items()],
        "inplace": detail.is_inplace,
        "recomputed": detail.is_recomputed,
        "inside": detail.inside,
    }


def _named(output: Tensor, chains: Mapping[int, Chain | None]) -> Tensor:
    """Return an op's result with the name it was assigned to just after the op."""
    chain = None if output.node is None else chains.get(output.node)
    known = None if chain is None else chain.output
    if output.name or known is None or known.output_nr != output.output_nr:
        return output
    return replace(output, name=known.name)


def call_json(detail: AtenDetail) -> Json:
    """Return an ATen call: which of the op's or node's it is, what went in and what came out."""
    return {
        "number": detail.number,
        "function": detail.function,
        "inputs": [_identified(tensor) for tensor in detail.inputs],
        "outputs": [_identified(tensor) for tensor in detail.outputs],
        "arguments": [{"keyword": keyword or None, "text": text} for keyword, text in detail.arguments],
        "inplace": detail.is_inplace,
    }


def _identified(tensor: Tensor) -> Json:
    return {"id": tensor.id, **(tensor_json(tensor) or {})}


def _aten(event: Event, detail: AtenDetail) -> Json:
    return {"node": event.node, "start": detail.start, **call_json(detail)}


def _node(tape: Reader, event: Event) -> Json:
    chain = None if event.node is None else tape.chain(event.node, event.seq)
    if chain is None:
        return {"node": event.node, "upstream": [], "contributions": [], "edges": []}
    record = chain_json(chain) or {}
    return {
        "node": event.node,
        **{key: record[key] for key in ("upstream", "contributions", "contributions_check", "edges")},
    }


def _probe(event: Event, detail: ProbeDetail) -> Json:
    probed = [local_json(local(probe)) for probe in detail.probes]
    return {"node": event.node, "start": detail.start, "locals": probed, **asked_json(record(event.seq, detail))}


def _node_start(event: Event, detail: NodeStartDetail) -> Json:
    return {"node": event.node, "backward": detail.backward, "upstream": _tensors(detail.upstream)}


def _backward_start(detail: BackwardStartDetail) -> Json:
    return {
        "call": detail.call,
        "roots": _tensors(detail.roots),
        "gradients": _tensors(detail.gradients),
        "retain_graph": detail.retain_graph,
        "create_graph": detail.create_graph,
        "inputs": None if detail.inputs is None else _tensors(detail.inputs),
        "nodes": list(detail.nodes),
        "outer": detail.outer or None,
    }


def _accumulate(event: Event, detail: AccumulateDetail) -> Json:
    values = {key: value_json(getattr(detail, key)) for key in ("before", "added", "after")}
    return {"parameter": detail.parameter, "node": event.node, **values, "backward": detail.backward}


def _hook(event: Event, detail: HookDetail) -> Json:
    return {
        "hook": detail.kind,
        "function": detail.function,
        "where": detail.where or None,
        "node": event.node,
        "ran": detail.has_run,
        "changed": detail.is_changed,
        "in_place": detail.is_inplace,
        "error": detail.error or None,
        "before": _values(detail.before),
        "after": _values(detail.after),
    }


def _values(tensors: tuple[Tensor | None, ...]) -> list[Json | None]:
    return [None if tensor is None else value_json(tensor.value) for tensor in tensors]


def change_json(detail: ZeroGradDetail | GradChangeDetail) -> Json:
    """Return what became of gradients that were cleared or changed, and the ``factor`` by which all of them were."""
    if isinstance(detail, ZeroGradDetail):
        return _zero_grad(detail)
    factor = shared_factor(detail.changed)
    told = None if factor is None else {"value": number_json(factor.value), "whole": factor.is_of_all}
    return _grad_change(detail) | {"factor": told}


def _zero_grad(detail: ZeroGradDetail) -> Json:
    return {"idiom": detail.idiom, "suppressed": detail.is_suppressed, "cleared": _buffers(detail.cleared)}


def _grad_change(detail: GradChangeDetail) -> Json:
    norms = {key: _norm(getattr(detail, key)) for key in ("norm_before", "norm_after")}
    return {"by": detail.by, "changed": _buffers(detail.changed)} | norms


def _norm(value: float | None) -> Json | None:
    return None if value is None else number_json(value)


def _buffers(buffers: tuple[BufferChange, ...]) -> list[Json]:
    return [
        {"parameter": one.parameter, "before": value_json(one.before), "after": value_json(one.after)}
        for one in buffers
    ]


def step_json(detail: StepDetail) -> Json:
    """Return an optimizer step: rates, and each parameter before and after with its gradient."""
    rates = [number_json(rate) for rate in detail.learning_rates]
    return {
        "optimizer": detail.optimizer,
        "learning_rates": rates,
        "parameters": _tensors(detail.parameters),
        "before": [value_json(value) for value in detail.before],
        "gradients": [value_json(value) for value in detail.gradients],
        "groups": list(detail.groups),
        "skipped": detail.skipped or None,
        "update": None if (update := update_of(detail)) is None else number_json(update),
    }


def _loss(detail: LossDetail) -> Json:
    return {"roots": [{"name": name, "value": number_json(value)} for name, value in detail.roots]}


def _error(detail: ErrorDetail) -> Json:
    return {
        "type": detail.type,
        "message": detail.message,
        "traceback": detail.traceback or None,
        "uncaught": detail.is_uncaught,
        "raised": detail.is_raised,
        "function": detail.function or None,
        "inputs": _tensors(detail.inputs),
        "arguments": _arguments(detail.arguments),
    }


def _backward_end(detail: BackwardEndDetail) -> Json:
    return {"start": detail.start, "results": _tensors(detail.results), "error": detail.error or None}


def _end(tape: Reader, detail: EndDetail) -> Json:
    stopped = tape.run.stopped
    end = {"exit_code": detail.exit_code, "signal": detail.signal, "reason": detail.reason}
    return {**end, "not_recorded": None if stopped is None else stopped.text}


def print_json(detail: PrintDetail) -> Json:
    """Return what came of an expression that was evaluated in the script's process."""
    return {
        "expression": detail.expression,
        "function": detail.function or None,
        "value": [_part(part) for part in detail.parts],
        "error": detail.error or None,
        "output": detail.output,
        "changed": list(detail.changed),
        "notes": list(detail.notes),
    }


def _part(part: PrintedPart) -> Json:
    head: Json = {"path": part.path, "type": part.type, "text": part.text}
    if (tensor := part.tensor) is None:
        return head
    about = {"device": tensor.device, "requires_grad": tensor.requires_grad, "grad_fn": tensor.node or None}
    return head | about | (value_json(tensor.value) or {})


def _detail_json(tape: Reader, event: Event, detail: Detail) -> Json:
    match detail:
        case LeafDetail():
            return {"tensor": tensor_json(detail.tensor), "how": detail.how}
        case OpDetail():
            return _op(tape, event, detail)
        case BackwardStartDetail():
            return _backward_start(detail)
        case NodeStartDetail():
            return _node_start(event, detail)
        case AtenDetail():
            return _aten(event, detail)
        case NodeDetail():
            return _node(tape, event)
        case ProbeDetail():
            return _probe(event, detail)
        case AccumulateDetail():
            return _accumulate(event, detail)
        case HookDetail():
            return _hook(event, detail)
        case BackwardEndDetail():
            return _backward_end(detail)
        case ZeroGradDetail():
            return _zero_grad(detail)
        case GradChangeDetail():
            return _grad_change(detail)
        case StepDetail():
            return step_json(detail)
        case LossDetail():
            return _loss(detail)
        case InterventionDetail():
            return {"what": detail.what, "before": detail.before, "after": detail.after}
        case DepthDetail():
            return {"depth": detail.depth, "reason": detail.reason}
        case OutputDetail():
            return {"stream": detail.stream, "text": detail.text}
        case ErrorDetail():
            return _error(detail)
        case NoteDetail():
            return {"text": detail.text}
        case EndDetail():
            return _end(tape, detail)
        case BreakpointDetail():
            return {"header": detail.header}
        case PrintDetail():
            return print_json(detail)
        case _:
            assert_never(detail)
