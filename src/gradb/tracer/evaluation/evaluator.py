"""Evaluates what somebody asks for on the thread that is held, and writes the answer to the tape."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import torch
from torch.utils._device import DeviceContext

from gradb.link.messages import Evaluate
from gradb.tape.kinds.print_ import name_of, write as write_print
from gradb.tape.wire import Blob
from gradb.tracer.evaluation.answers import parts_of, said
from gradb.tracer.evaluation.capture import captured
from gradb.tracer.evaluation.changes import Before, names_of
from gradb.tracer.evaluation.contents import alive
from gradb.tracer.evaluation.engine import refusing
from gradb.tracer.evaluation.frames import HeldFrame, held_frame
from gradb.tracer.evaluation.gradients import Gradients
from gradb.tracer.evaluation.interruption import Interruption
from gradb.tracer.evaluation.reading import NotAnExpression, compiled
from gradb.tracer.evaluation.states import kept
from gradb.tracer.isolation.genuine import is_grad_enabled, no_grad, set_grad_enabled
from gradb.tracer.isolation.modes import unseen
from gradb.tracer.probe.probing import clause
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import NOWHERE

_Unseen, _Seen = torch._C.DisableTorchFunction, torch._C._EnableTorchFunction
_count, _pop, _push = (
    torch._C._len_torch_function_stack,
    torch._C._pop_torch_function_stack,
    torch._C._push_on_torch_function_stack,
)


@dataclass(slots=True)
class _Answer:
    """What is written to the tape."""

    parts: list[str] = field(default_factory=list)
    error: str = ""
    output: str = ""
    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blob: Blob = field(default_factory=Blob)


class Evaluator:
    """Evaluates expressions in the frame that the script is held in."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def answer(self, question: Evaluate) -> None:
        """Evaluate what is asked for and write it to the tape; called on the thread that is held."""
        composer, recorder = self._composer, self._composer.recorder
        if not recorder.is_active:
            return
        recorder.settle()
        held, answer, is_building = held_frame(composer), _Answer(), is_grad_enabled()
        try:
            if held is None:
                raise NotAnExpression("the script is held where none of its own code is running")
            if held.is_building is not None:
                is_building = held.is_building
            with captured():  # Python warns of what looks wrong
                code = compiled(question.text)
            with _Unseen(), unseen(), no_grad():
                self._evaluate(code, held, is_building, answer)
        except NotAnExpression as refusal:
            answer.error = f"not evaluated: {refusal}"
        except Exception as error:
            answer.error = f"not evaluated: {clause(error)}"
        recorder.settle()
        detail = write_print(
            expression=question.text, function=held.function if held else "", parts=answer.parts, error=answer.error,
            output=answer.output, changed=answer.changed, notes=answer.notes,
        )  # fmt: skip
        recorder.emit(
            "print", name_of(question.text), held.place if held else NOWHERE.row, detail,
            answer.blob, scope=composer.scope, may_hold=False,
        )  # fmt: skip

    def _evaluate(self, code: CodeType, held: HeldFrame, is_building: bool, answer: _Answer) -> None:
        there = alive()
        gradients, before, tell = Gradients(there.tensors), Before(*there), answer.notes.append
        namespace = held.namespace()
        try:
            with kept(tell), captured() as printed, self._apart(), refusing(held.node):
                set_grad_enabled(is_building)
                self._run(code, namespace, answer)
        finally:
            gradients.put_back(tell)
        answer.output = printed.text
        answer.changed = names_of(before.changed(), namespace.items(), self._composer.tensors)
        if threading.active_count() > 1:
            tell("other threads of the script may have run meanwhile: what they did then is not recorded")

    def _run(self, code: CodeType, namespace: dict[str, Any], answer: _Answer) -> None:
        """Run the script's own code; whatever it raises ends here, and so does a process that it forks."""
        process, interruption = os.getpid(), Interruption()
        gate = self._composer.recorder.gate
        gate.break_off = interruption.break_off
        try:
            answer.parts = interruption.run(lambda: self._value(code, namespace, answer.blob))
        except BaseException as error:  # also SystemExit: nothing of it reaches the script
            answer.blob = Blob()
            answer.error = "broken off" if interruption.is_broken_off else _said(error)
        finally:
            gate.break_off = None
            if os.getpid() != process:
                os._exit(0)

    def _value(self, code: CodeType, namespace: dict[str, Any], blob: Blob) -> list[str]:
        value = eval(code, namespace)  # noqa: S307 - this is what was asked for
        return parts_of(value, self._composer.snapshots, blob)

    @contextlib.contextmanager
    def _apart(self) -> Iterator[None]:
        """Run the script's own code so that nothing of it is recorded, and none of the script's modes sees it."""
        recorder, task, task_id = self._composer.recorder, torch._C._current_graph_task_id(), _task_id
        torch.set_autocast_cache_enabled(False)  # what is cast here must not be what the script finds
        if task >= 0:
            # A checkpoint gives each saved tensor out once for each run of the engine: ours is not the one going on.
            torch._C._current_graph_task_id = lambda: -1 if task_id() == task else task_id()
        recorder.is_active = False
        try:
            with _Seen(), _only_the_device():
                yield
        finally:
            recorder.is_active = recorder.is_open
            torch._C._current_graph_task_id = task_id


_task_id = torch._C._current_graph_task_id


@contextlib.contextmanager
def _only_the_device() -> Iterator[None]:
    """Take all modes off the stack, ours and the script's, but for the default device."""
    modes = [_pop() for _ in range(_count())]
    for mode in reversed(modes):
        if isinstance(mode, DeviceContext):
            _push(mode)
    try:
        yield
    finally:
        while _count():
            _pop()
        for mode in reversed(modes):
            _push(mode)


def _said(error: BaseException) -> str:
    try:
        return said(error)
    except KeyboardInterrupt:
        return "broken off"
