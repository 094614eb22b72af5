"""Changes one element of a leaf by a little in a run that is made for a numerical check, and reads what becomes of it.

The leaf is changed past autograd's version counters, right before the first call that uses it after its last update,
so that nothing in the script can notice but by its numbers. In every other run no part of this is there. What is read
goes to the ``run`` table of the tape, as JSON: ``nudge_leaf`` the element before and after, ``nudge_root`` the root
(times the gradient that the script gives it), ``nudge_gradient`` the element that the engine computed, and
``nudge_trouble`` why one of them could not be had.
"""

from __future__ import annotations

import contextlib
import json
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.optim import optimizer as hooks

from gradb.link.spec import Nudge
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import Place
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.tensors.values import modes_off
from gradb.tracer.watch import torch_functions
from gradb.tracer.watch.call import ForwardCall
from gradb.tracer.watch.engine_arguments import EngineArguments
from gradb.tracer.watch.engine_run import BackwardRun, Parts


class Nudging:
    """Finds the leaf and the moment, and takes the readings.

    Args:
        composer: whose leaves are looked at.
        nudge: what to change, and when.
    """

    def __init__(self, composer: Composer, nudge: Nudge) -> None:
        self._composer = composer
        self.nudge = nudge
        self._leaf: weakref.ref[torch.Tensor] | None = None
        self._same_name = self._uses = self._steps = self._backwards = 0
        self._is_done = False
        composer.recorder.observer.leaf_seen.listen(self._found)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Look at every call and every backward, for as long as the context lasts."""
        handle = hooks.register_optimizer_step_post_hook(self._stepped)
        try:
            yield
        finally:
            handle.remove()

    @property
    def leaf(self) -> torch.Tensor | None:
        """The leaf, once it was recorded and as long as it lives."""
        return None if self._leaf is None else self._leaf()

    def tell(self, fact: str, value: object) -> None:
        """Write a reading."""
        self._composer.writer.set_run(**{f"nudge_{fact}": json.dumps(value)})

    # --- the leaf and the moment --------------------------------------------------------------------------------------

    def _found(self, known: TensorRecord, tensor: torch.Tensor) -> None:
        if (known.name or "") == self.nudge.name and tuple(tensor.shape) == self.nudge.shape:
            self._same_name += 1
            if self._same_name == self.nudge.ordinal:
                self._leaf = weakref.ref(tensor)

    def _stepped(self, *_: Any) -> None:
        self._steps += 1

    def make_call(self, *parts: Any) -> ForwardCall:
        """Begin a call on its way to the tape, changing the leaf before it if it is the one."""
        step = _CountedStep(*parts)
        step.nudging = self
        if not self._is_done and step.call.kind == torch_functions.OP:
            self._composer.guard(self._look, step)
        return step

    def _look(self, step: ForwardCall) -> None:
        """Change the leaf if the call that is about to be made is the one."""
        if self._composer.is_in_transform() or step.is_hidden():
            return
        step.see_leaves()
        leaf = self.leaf
        if leaf is None or (self._uses, self._steps) != (self.nudge.uses, self.nudge.steps):
            return
        if any(tensor is leaf for tensor in step.inputs):
            self._is_done = True
            self._change(leaf)

    def _change(self, leaf: torch.Tensor) -> None:
        with modes_off():
            element = element_of(leaf.data, self.nudge)
            before = float(element.item())
            if self.nudge.delta:
                element.fill_(before + self.nudge.delta)
            self.tell("leaf", [before, float(element.item())])

    def used(self, inputs: Sequence[torch.Tensor]) -> None:
        """Count a recorded call, if the leaf is among its inputs."""
        leaf = self.leaf
        self._uses += leaf is not None and any(tensor is leaf for tensor in inputs)

    # --- the backward -------------------------------------------------------------------------------------------------

    def make_run(self, parts: Parts) -> BackwardRun:
        """Begin the record of a call of the engine, which reads what it is for."""
        return _ReadRun(self, parts)

    def backward_begins(self, roots: Sequence[Any], gradients: Sequence[Any]) -> bool:
        """Count a call of the engine; return whether it is the one, after reading its root."""
        self._backwards += 1
        if self._backwards != self.nudge.backward:
            return False
        with modes_off():
            self.tell("root", root_value(roots, gradients))
        return True

    def gradient(self, value: torch.Tensor | None) -> None:
        """Read the element of the gradient; None is zero."""
        with modes_off():
            self.tell("gradient", 0.0 if value is None else float(element_of(value.detach(), self.nudge).item()))


def element_of(tensor: torch.Tensor, nudge: Nudge) -> torch.Tensor:
    """Return a view of one real number: the element, or the part of it that is meant."""
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())[..., int(nudge.is_imaginary)]
    place, rest = [], nudge.index
    for size in reversed(nudge.shape):
        place.append(rest % size)
        rest //= size
    return tensor[tuple(reversed(place))]


def root_value(roots: Sequence[Any], gradients: Sequence[Any]) -> float:
    """Return the sum over all roots of root times gradient, in float64; a gradient left out is 1.

    Raises:
        TypeError: a root is an edge of the graph, which has no value.
    """
    parts = []
    for number, root in enumerate(roots):
        given = gradients[number] if number < len(gradients) else None
        if not isinstance(root, torch.Tensor):
            raise TypeError("the backward begins from a GradientEdge, which has no value")
        value = root.detach()
        if given is None:
            parts.append(float(value.item()))
            continue
        factor = given.detach()
        if value.is_complex() or factor.is_complex():
            parts.append(float((factor.to(torch.complex128).conj() * value.to(torch.complex128)).real.sum().item()))
        else:
            parts.append(float((factor.double() * value.double()).sum().item()))
    return math.fsum(parts) if all(math.isfinite(part) for part in parts) else sum(parts)


class _CountedStep(ForwardCall):
    """A call that is counted when it is recorded as an op and the leaf is among its inputs."""

    __slots__ = ("nudging",)
    nudging: Nudging

    def _record(self, results: list[torch.Tensor], is_single: bool) -> None:
        is_op = not (is_single and self.makes_leaf(results[0]))
        super()._record(results, is_single)
        if is_op:
            self.nudging.used(self.inputs)


class _ReadRun(BackwardRun):
    """A call of the engine whose root, and gradient of the leaf, are read."""

    def __init__(self, nudging: Nudging, parts: Parts) -> None:
        super().__init__(parts)
        self._nudging = nudging
        self._is_meant = False
        self._asked: int | None = None

    def begin(
        self, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: Place | None = None
    ) -> None:
        given = EngineArguments.of(roots, args, kwargs)
        self._attempt(self._read_root, roots, given.gradients)
        leaf = self._nudging.leaf
        found = [number for number, item in enumerate(given.wanted) if item is leaf]
        self._asked = found[0] if found and leaf is not None else None
        super().begin(roots, args, kwargs, place)

    def upstream(self, node: Any, mark: NodeMark, gradients: tuple[Any, ...]) -> int:
        if self._is_meant and mark.is_leaf and node.variable is self._nudging.leaf:
            self._attempt(self._nudging.gradient, gradients[0])
        return super().upstream(node, mark, gradients)

    def finish(self, result: Any, error: str) -> None:
        if self._is_meant and self._is_grad and self._asked is not None and not error:
            self._attempt(self._nudging.gradient, result[self._asked])
        super().finish(result, error)

    def _read_root(self, roots: Sequence[Any], gradients: Sequence[Any]) -> None:
        self._is_meant = self._nudging.backward_begins(roots, gradients)

    def _attempt(self, part: Callable[..., None], *arguments: Any) -> None:
        """Take a reading, or say why it cannot be taken."""
        try:
            part(*arguments)
        except (RuntimeError, TypeError, ValueError) as error:
            self._nudging.tell("trouble", str(error))
