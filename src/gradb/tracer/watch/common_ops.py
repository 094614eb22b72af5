"""Has the accelerator record the ops that are nothing unusual: what it works with, and what it calls where a part is.

The compiled ``Forward`` stands in for ``ForwardMode.__torch_function__``. A call is recorded by it as a whole, or left
to Python before anything of it was done. What is rare within one it has done by ``Rare``, in the middle of the event.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from gradb.log.writer import LogWriter
from gradb.tape.sieve import Sieve
from gradb.tracer.isolation import signals
from gradb.tracer.isolation.genuine import Functions, Methods, is_grad_enabled, is_inference
from gradb.tracer.isolation.modes import count_modes, is_profiling
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native.trial import accelerator
from gradb.tracer.recording.composer import CallsAtOnce, Composer
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.source.arguments import LITERALS, argument_text
from gradb.tracer.source.places import NOWHERE, Found, Place, PlaceRow
from gradb.tracer.source.syntax import Names
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.tensors.saving import AtHand
from gradb.tracer.watch.torch_functions import Call

_Unseen = torch._C.DisableTorchFunction
_CLASSES = (TensorRecord, NodeMark, Place, Found, Names, Call)
"""Those whose slots the accelerator reads and writes."""
TorchFunction = Callable[..., Any]
for _part in (LogWriter._say_rest, LogWriter._go_on, Sieve.learn, Sieve.learn_place, Sieve.learn_scope):
    shielded(_part)  # which are called in the middle of an event


class Rare:
    """Parts of an op that the accelerator leaves to Python; no handler of a signal runs in the middle of one."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    @shielded
    def register(self, root: Any, event: int, place: PlaceRow, scope: str, at_hand: AtHand) -> list[int]:
        """Do what ``NodeIds.register`` does."""
        with _Unseen():
            return self._composer.nodes.register(root, event, place, scope, at_hand)

    @shielded
    def name_tensor(self, tensor: torch.Tensor, name: str, event: int, scope: str) -> None:
        """Say what the source calls a tensor."""
        try:
            with _Unseen():
                self._composer.naming.name(tensor, name, event, scope)
        except Exception as error:
            self._composer.missing("names", error)

    @shielded
    def argument(self, key: str, value: Any, inputs: Sequence[torch.Tensor]) -> str | None:
        """Return the text of an argument, None where it fails."""
        try:
            return argument_text(key, value, {id(tensor): i for i, tensor in enumerate(inputs)})
        except Exception as error:
            self._composer.missing("arguments", error)
            return None

    @shielded
    def of_call(self, made: int, given: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Do what ``Births.of_call`` does."""
        births = self._composer.births
        return births.told(births.of_call(made, given, (*args, *kwargs.values())))

    @shielded
    def arrives(self, known: TensorRecord, tensor: torch.Tensor, odd: int) -> int:
        """Do what ``Births.arrives`` does."""
        return self._composer.births.arrives(known, tensor, odd)

    @shielded
    def made(self, known: TensorRecord, tensor: torch.Tensor, odd: int) -> int:
        """Do what ``Births.made`` does."""
        return self._composer.births.made(known, tensor, odd)

    @shielded
    def arrived(self, told: tuple[Any, ...]) -> None:
        """Ask the gate about an event that was just recorded: the script may be held here."""
        self._composer.guard(self._composer.recorder.arrived, *told)

    @shielded
    def lost(self, error: Exception) -> None:
        """Go on after a failure that has cost the event."""
        self._composer.recorder.lost(error, "a call", hides="values gradients")

    @shielded
    def is_stepping(self) -> bool:
        """Tell whether a person is going through the script step by step."""
        return self._composer.is_stepping()

    def deliver(self) -> None:
        """Run the handlers of signals that have waited."""
        signals.deliver()


def forward(
    mode: object, composer: Composer, iterations: Iterations, calls: dict[Any, Call], slow: TorchFunction,
    returned: TorchFunction, raised: TorchFunction,
) -> TorchFunction | None:  # fmt: skip
    """Return what stands in for ``__torch_function__``; None where there is no accelerator, or another pen.

    Args:
        mode: whose method it stands in for.
        composer: of the recording.
        iterations: tells whether the next forward matters to them.
        calls: what is known of functions.
        slow: the method itself; gets what is not for the accelerator.
        returned: records a call (what is known of it, args, kwargs) that has returned a result.
        raised: records one that has raised an error.
    """
    module, writer = accelerator(), composer.writer
    recorder, gate, rare = composer.recorder, composer.recorder.gate, Rare(composer)
    kinds = () if module is None else (module.Pen, module.Lock)
    if kinds != (type(writer.pen), type(recorder.lock)) or composer.snapshots.reader is None:
        return None
    module.learn_classes(_CLASSES)
    module.learn_descriptors(*(vars(Methods)[name] for name in ("requires_grad", "grad_fn", "output_nr")))
    is_gates = composer.is_stepping == gate.is_stepping  # which says no wherever C records
    parts = {
        "lock": recorder.lock,
        "mode": mode, "slow": slow, "returned": returned, "raised": raised, "lost": rare.lost, "deliver": rare.deliver,
        "held": signals.held, "rare": rare, "arrived": rare.arrived, "calls": calls, "recorder": recorder, "gate": gate,
        "iterations": iterations, "blanks": composer.blanks.known, "local": composer.local, "writer": writer,
        "pen": writer.pen, "reader": composer.snapshots.reader, "threads": recorder.threads,
        "nodes": composer.nodes, "is_stepping": None if is_gates else rare.is_stepping,
        "tensor": torch.Tensor, "parameter": torch.nn.Parameter, "literals": LITERALS,
        "tracing_state": torch._C._get_tracing_state, "transform": torch._C._functorch.peek_interpreter_stack,
        "count_modes": count_modes, "is_profiling": is_profiling,
        "count_function_modes": torch._C._len_torch_function_stack,
        "saved_hooks": torch._C._autograd._top_saved_tensors_default_hooks, "compiler": vars(torch.compiler),
        "is_grad_enabled": is_grad_enabled, "is_inference": is_inference,
        **composer.tensors.parts(), **composer.nodes.parts(), **composer.naming.parts(), **recorder.places.parts(),
        "record": TensorRecord(0, weakref.ref(Functions.empty(0))), "mark": _pattern(),
    }  # fmt: skip
    stand_in: TorchFunction = module.Forward(parts)
    begin, end = (functools.partial(one, stand_in) for one in (module.begin_backward, module.end_backward))
    composer.calls_at_once = CallsAtOnce(functools.partial(module.may_begin, stand_in), begin, end)
    composer.leaves_at_once = module.Leaves(stand_in, *composer.tensors.buffers.tables, math.hypot)
    return stand_in


def _pattern() -> NodeMark:
    """Return a mark that is copied, and whose end is told nowhere."""
    nowhere: Any = SimpleNamespace(gone=deque(), head=0, pen=SimpleNamespace(head=0))
    return NodeMark(0, "", NOWHERE.row, "", 0, False, nowhere)
