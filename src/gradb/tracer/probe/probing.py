"""Decides which nodes are probed: where that is safe, and where it was not done often enough already.

Nodes that run Python (custom functions, compiled regions, checkpoints) or may unpack saved tensors through a user's
hooks are not probed unasked. How a node is measured is the affair of ``measuring``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gradb.tape.kinds.jacobian import write_unmeasured
from gradb.tape.wire import Blob, dumps
from gradb.tracer.isolation.genuine import Methods, enable_grad, is_grad_enabled, no_grad
from gradb.tracer.probe.directions import FORWARD, compare
from gradb.tracer.probe.measuring import FREE, STEPPING, Call, Refusal, Unmeasurable, measure, results_of
from gradb.tracer.tensors.nodes import is_custom
from gradb.tracer.tensors.records import NodeMark
from gradb.tracer.tensors.values import Unreadable, is_ordinary, modes_off

_REPEATS = 8
_MAX_SAID = 100
_FREED = "Trying to backward through the graph a second time"
_REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError, Unreadable)
"""What torch refuses a call with, and what has no values to read."""
_ASK = "`probe` measures more"
_OFF = "probing is switched off"
_OFTEN = f"not probed in a free run after the first {_REPEATS} visits of this place"
_FOREIGN = "not probed: what flows into it is a tensor with its own dispatch, whose code would run"
_CHANGES_ON_CALL = ("RngBackward", "ErrorBackward", "NotImplemented", "UndefinedGrad", "DelayedError", "GraphRoot")


class Prober:
    """Probes nodes, each place in the script a limited number of times unless told otherwise.

    Args:
        mode: ``auto`` (the first visits of each node of the script's text, and whenever the script is being stepped),
            ``small`` (the same, but no node that is too large to be measured is called), ``always`` or ``never``.
        is_stepping: tells whether a person is stepping the script.
        missing: is told of what fails for a reason that is no refusal of torch's.
    """

    def __init__(self, mode: str, is_stepping: Callable[[], bool], missing: Callable[[str, Exception], object]) -> None:
        self.mode = mode
        self._is_stepping = is_stepping
        self._visits: dict[tuple[Any, ...], int] = {}
        self._missing = missing

    @property
    def limits(self) -> tuple[dict[tuple[Any, ...], int] | None, int, str]:
        """How often each place was visited, from how many visits on no node is measured there, and as JSON why not.

        Without a dict no node is measured at all.
        """
        why = _OFF if self.mode == "never" else _OFTEN
        return None if self.mode == "never" else self._visits, _REPEATS, dumps(write_unmeasured(why))

    def measures(self) -> bool:
        """Tell whether every node is measured now, however often it was."""
        return self.mode != "never" and (self.mode == "always" or self._is_stepping())

    def probe(self, node: Any, mark: NodeMark, blob: Blob, upstream: Sequence[torch.Tensor | None]) -> str:
        """Return the text of the wire forms of the probes, one for each edge, of a node that is about to run."""
        why = None
        for gradient in upstream:
            if gradient is not None and type(gradient) is not torch.Tensor and not is_ordinary(gradient):
                why = _FOREIGN  # a call with such a gradient runs more than torch: a fake tensor's would be traced
        why = why or self._refusal(node, mark)
        if why is None:
            budget = STEPPING if self.mode == "always" or self._is_stepping() else FREE
            call = engines_own(node, has_graph=is_grad_enabled())
            try:
                with no_grad(), modes_off():
                    return dumps(measure(node, call, budget, blob, upstream))
            except Unmeasurable as refusal:
                why = f"not measured: {refusal}"
            except Refusal as refusal:
                return self._in_one_direction(node, mark, call, f"not measured: {refusal}; {_ASK}")
            except Exception as error:
                if type(error) not in _REFUSALS:
                    self._missing("local derivatives", error)
                why = failure(error)
        return _refused(why, mark.edges)

    def _in_one_direction(self, node: Any, mark: NodeMark, call: Call, why: str) -> str:
        """Say why a node was not measured, and hold it against its formula in a random direction where it has one."""
        if mark.name not in FORWARD or self.mode == "small":
            return _refused(why, mark.edges)
        try:
            with no_grad(), modes_off():
                return dumps(compare(node, mark.name, call, why))
        except Exception:  # it is not compared then; why it was not measured stands
            return _refused(why, mark.edges)

    def _refusal(self, node: Any, mark: NodeMark) -> str | None:
        if self.mode == "never":
            return _OFF
        if is_custom(node):
            return "not probed: its backward is Python code that may have side effects; `probe` runs it once a row"
        if _changes_on_call(mark.name):
            return "this node cannot be called alone"
        if mark.is_hooked:
            return "not probed: saved-tensor hooks were active here; `probe` runs them again, once a row"
        if self.mode == "always" or self._is_stepping():
            return None
        key = (mark.place, mark.scope, mark.name)
        visits = self._visits[key] = self._visits.get(key, 0) + 1
        if visits > _REPEATS:
            return _OFTEN
        return None


def engines_own(call: Call, *, has_graph: bool) -> Call:
    """Return a call of a node in the grad mode that the engine runs it in: under create_graph some formulas are others.

    ``has_graph``: whether gradients are on there, to be asked before they are put off.
    """
    return functools.partial(_with_graph, call) if has_graph else call


def _with_graph(call: Call, *vectors: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    with enable_grad():
        results = results_of(call(*vectors))
    return tuple(None if result is None else Methods.detach(result) for result in results)


def failure(error: Exception) -> str:
    """Return why a node was not measured that raised an error when it was called."""
    if _FREED in str(error):
        return "not measured: its saved values are freed, by a backward that has gone through it"
    return f"probing failed: {clause(error)}"


def clause(error: Exception) -> str:
    """Return an exception as one short clause."""
    said = opening(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def opening(error: Exception) -> str:
    """Return how what an exception says begins: its first line, cut with an ellipsis; empty where it says nothing."""
    line = next(iter(str(error).splitlines()), "")
    return line if len(line) <= _MAX_SAID else f"{line[: _MAX_SAID - 1]}…"


def cannot_be_called(mark: NodeMark) -> bool:
    """Tell whether a node does something else than multiply when it is called outside of the engine."""
    return _changes_on_call(mark.name) or mark.name.startswith("CompiledFunction") or mark.is_leaf


@functools.cache
def _changes_on_call(name: str) -> bool:
    return any(part in name for part in _CHANGES_ON_CALL)


@functools.lru_cache(256)
def _refused(why: str, edges: int) -> str:
    return dumps([write_unmeasured(why)] * edges)
