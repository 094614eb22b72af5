"""Watches optimizer steps: one event each, with every parameter before and after it; then the next iteration may begin.

The learning rate that was set from outside holds for the time of the step only: before and after it the parameter
groups say what the script has put there.
"""

from __future__ import annotations

import contextlib
import functools
import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.optim import optimizer as hooks

from gradb.tape.codec import Blob, Wire
from gradb.tracer import norms
from gradb.tracer.buffers import grad_of
from gradb.tracer.composer import Composer
from gradb.tracer.depth import Depth
from gradb.tracer.iterations import Iterations
from gradb.tracer.places import PlaceRow
from gradb.tracer.policy import ZeroPolicy

_MOST_GROUPS = 8


class StepWatch:
    """Records what an optimizer step found and what it left in the parameters."""

    def __init__(self, composer: Composer, iterations: Iterations, policy: ZeroPolicy, depth: Depth) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._iterations = iterations
        self._policy = policy
        self._depth = depth
        self._steps: weakref.WeakKeyDictionary[Any, _Step] = weakref.WeakKeyDictionary()
        self._labels: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._counts: dict[str, int] = {}

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Register the global step hooks, and see optimizers being made, for as long as the context lasts."""
        handles = [
            hooks.register_optimizer_step_pre_hook(self._begins),
            hooks.register_optimizer_step_post_hook(self._stepped),
        ]
        original = torch.optim.Optimizer.__init__

        @functools.wraps(original)
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            self._composer.guard(self._iterations.made, optimizer)

        torch.optim.Optimizer.__init__ = init  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            torch.optim.Optimizer.__init__ = original  # type: ignore[method-assign]
            for handle in handles:
                handle.remove()

    def _begins(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        return self._composer.guard(self._before, optimizer, args, kwargs)

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        step = self._steps.pop(optimizer, None)
        self._composer.guard(self._after, optimizer, step)
        if step is not None:
            step.restore_rates()

    def _before(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        self._recorder.settle()
        if (unfinished := self._steps.get(optimizer)) is not None:  # the last step raised
            unfinished.restore_rates()
        step = self._steps[optimizer] = _Step(self._composer, optimizer)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        step.look(is_final=closure is None)
        if self._composer.controls.lr is not None:
            step.set_rate(self._composer.controls.lr)
        if closure is None or not self._policy.is_on:
            return None
        prepared = functools.partial(self._evaluate, step.parameters, closure)
        if len(args) > 1:
            return (args[0], prepared, *args[2:]), kwargs
        return args, kwargs | {"closure": prepared}

    def _evaluate(self, parameters: list[torch.Tensor], closure: Callable[[], Any]) -> Any:
        """Run a closure; each run begins with gradients that earlier ones have used up."""
        self._composer.guard(self._policy.used, parameters)
        return closure()

    def _after(self, optimizer: torch.optim.Optimizer, step: _Step | None) -> None:
        step = step or _Step(self._composer, optimizer)
        rates = step.rates()
        event, place = self._recorder.settle(), self._recorder.find(2).place.row
        self._points(optimizer, step, rates, event)
        if self._recorder.is_full:
            self._record(optimizer, step, rates, place)
        else:
            name = type(optimizer).__name__
            bad = step.norm is not None and not math.isfinite(step.norm)
            self._recorder.emit("step", name, place, [name, rates, [], [], [], []], has_nonfinite=bad)
        self._policy.used(step.parameters)
        for other in self._iterations.stepped(optimizer):
            self._policy.used(_parameters(other))
        self._recorder.settle()
        self._depth.sync()

    def _points(self, optimizer: torch.optim.Optimizer, step: _Step, rates: list[float], event: int) -> None:
        label, series = self._label(optimizer), self._composer.series
        if step.norm is not None:
            series.point("grad_norm", label, step.norm, event)
        for index, rate in enumerate(rates[:_MOST_GROUPS]):
            series.point("learning_rate", label if len(rates) == 1 else f"{label} group {index + 1}", rate, event)
        if self._recorder.is_full:
            for tensor in step.parameters:
                known = self._composer.tensors.record(tensor)
                value = norms.norm_of_all([tensor])
                if value is not None:
                    series.point("parameter_norm", known.name or f"leaf #{known.id}", value, event)

    def _record(self, optimizer: torch.optim.Optimizer, step: _Step, rates: list[float], place: PlaceRow) -> None:
        self._composer.leaves(step.parameters, place)
        event, wires, bad = self._recorder.next_seq, [], False
        for tensor in step.parameters:
            wire, is_bad = self._composer.tensor(tensor, step.blob, event, place)
            self._composer.writer.tensor(wire[0], event, wire[3], wire[4])
            wires.append(wire)
            bad |= is_bad
        name, seen = type(optimizer).__name__, len(wires)
        parts: list[Wire] = [step.before, step.gradients, step.groups]
        detail = [name, rates, wires, *(part if len(part) == seen else [] for part in parts)]
        self._recorder.emit("step", name, place, detail, step.blob, has_nonfinite=bad)

    def _label(self, optimizer: torch.optim.Optimizer) -> str:
        """Return the optimizer's class, with a number from the second of its kind on."""
        label = self._labels.get(optimizer)
        if label is None:
            name = type(optimizer).__name__
            count = self._counts[name] = self._counts.get(name, 0) + 1
            label = self._labels[optimizer] = name if count == 1 else f"{name} {count}"
        return label


class _Step:
    """One step on its way to the tape."""

    def __init__(self, composer: Composer, optimizer: torch.optim.Optimizer) -> None:
        self._composer = composer
        self._optimizer = optimizer
        self.parameters = _parameters(optimizer)
        self.groups = [number for number, group in enumerate(optimizer.param_groups) for _ in group["params"]]
        self.blob = Blob()
        self.before: list[Wire | None] = []
        self.gradients: list[Wire | None] = []
        self.norm: float | None = None
        self._is_final = True
        self._own_rates: list[Any] = []

    def look(self, *, is_final: bool) -> None:
        """See what the step finds; with a closure the gradients are only those of an earlier evaluation."""
        self._is_final = is_final
        if self._composer.recorder.is_full:
            self.before = [self._composer.snapshots.take(tensor, self.blob)[0] for tensor in self.parameters]
        if is_final:
            self._look_at_gradients()

    def _look_at_gradients(self) -> None:
        found = [grad_of(tensor) for tensor in self.parameters]
        self.norm = norms.norm_of_all(grad for grad in found if grad is not None)
        if self._composer.recorder.is_full:
            self.gradients = [self._composer.snapshots.take(grad, self.blob)[0] for grad in found]

    def set_rate(self, rate: float) -> None:
        """Put a learning rate in the place of the script's, as long as the step lasts."""
        for group in self._optimizer.param_groups:
            own = group.get("lr")
            self._own_rates.append(own)
            if own is not None:
                group["lr"] = torch.full_like(own, rate) if isinstance(own, torch.Tensor) else rate

    def rates(self) -> list[float]:
        """Return the learning rates that the step used, one a group."""
        if not self._is_final:
            self._look_at_gradients()
        return [float(group["lr"]) for group in self._optimizer.param_groups if "lr" in group]

    def restore_rates(self) -> None:
        """Put the script's learning rates back."""
        for group, own in zip(self._optimizer.param_groups, self._own_rates, strict=False):
            if own is not None:
                group["lr"] = own
        self._own_rates = []


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]
