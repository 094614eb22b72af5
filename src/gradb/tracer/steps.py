"""Watches optimizer steps: one event each, with every parameter before and after it; then the next iteration may begin.

The learning rate that was set from outside holds for the time of the step only: before and after it the parameter
groups say what the script has put there.
"""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import torch
from torch.optim import optimizer as hooks

from gradb.tape.codec import dumps
from gradb.tracer import norms
from gradb.tracer.composer import Composer
from gradb.tracer.depth import Depth
from gradb.tracer.iterations import Iterations
from gradb.tracer.optimizers import OptimizerState, OptimizerStates, parameters_of, rates_of, versions_of
from gradb.tracer.places import PlaceRow
from gradb.tracer.policy import ZeroPolicy

_HOOKED = hooks.__file__
"""Where torch calls the hooks of a step from."""


class StepWatch:
    """Records what an optimizer step found and what it left in the parameters."""

    def __init__(self, composer: Composer, iterations: Iterations, policy: ZeroPolicy, depth: Depth) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._iterations = iterations
        self._policy = policy
        self._depth = depth
        self._states = OptimizerStates()
        self._has_set_rates = False
        self._open: list[tuple[int, int]] = []
        """The steps that are being made, the outermost first: the optimizer's id, and that of its hook's caller."""

    def is_stepping(self) -> bool:
        """Tell whether an optimizer is making a step: what is changed then is the step's."""
        return bool(self._open) and self._running() > 0

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
            self._composer.guard(self._made, optimizer)

        torch.optim.Optimizer.__init__ = init  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            torch.optim.Optimizer.__init__ = original  # type: ignore[method-assign]
            for handle in handles:
                handle.remove()

    def _made(self, optimizer: torch.optim.Optimizer) -> None:
        self._composer.naming.settle_waiting(self._recorder.settle())
        self._iterations.made(optimizer)

    def _begins(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        return self._composer.guard(self._before, optimizer, args, kwargs)

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        self._composer.guard(self._after, optimizer)
        if self._has_set_rates:
            self._has_set_rates = False
            self._states.of(optimizer).restore_rates(optimizer)

    def _running(self) -> int:
        """Forget the steps that raised, whose end was not told; return how many there are."""
        frame: FrameType | None = sys._getframe(1)
        frames = set()
        while frame is not None:
            frames.add(id(frame))
            frame = frame.f_back
        self._open = [one for one in self._open if one[1] in frames]
        return len(self._open)

    def _enter(self, optimizer: torch.optim.Optimizer) -> None:
        if self._open:
            self._running()
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != _HOOKED:
            frame = frame.f_back
        self._open.append((id(optimizer), id(frame)))

    def _leave(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether the step that is over is one of its own, and not part of another optimizer's."""
        while self._open and self._open.pop()[0] != id(optimizer):
            pass
        return not self._open

    def _before(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        self._enter(optimizer)
        state, parameters = self._states.of(optimizer), parameters_of(optimizer)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        state.is_final = closure is None
        state.norm = None
        if self._recorder.is_full:
            self._recorder.settle()
            state.look(self._composer, parameters)
        if closure is None:
            state.look_at_gradients(self._composer, parameters)
        if state.own_rates:  # the last step raised
            state.restore_rates(optimizer)
        if self._composer.controls.lr is not None:
            self._has_set_rates = True
            state.set_rate(optimizer, self._composer.controls.lr)
        if closure is None or not (self._policy.is_on or state.own_rates):
            return None
        prepared = functools.partial(self._evaluate, optimizer, closure)
        if len(args) > 1:
            return (args[0], prepared, *args[2:]), kwargs
        return args, kwargs | {"closure": prepared}

    def _evaluate(self, optimizer: torch.optim.Optimizer, closure: Callable[[], Any]) -> Any:
        """Run a closure; each run begins with gradients that earlier ones have used up."""
        self._composer.guard(self._policy.used_by, optimizer)
        try:
            return closure()
        except BaseException:  # the step ends here, and its hook is not called
            self._states.of(optimizer).restore_rates(optimizer)
            raise

    def _after(self, optimizer: torch.optim.Optimizer) -> None:
        is_own = self._leave(optimizer)
        if is_own:
            self._iterations.steps(optimizer)
        state, rates = self._states.of(optimizer), rates_of(optimizer)
        if not state.is_final:
            state.look_at_gradients(self._composer, parameters_of(optimizer))
        event, place = self._recorder.settle(), self._recorder.find(3).place.row
        if state.norm is not None:
            self._point(state, "grad_norm", state.label, state.norm, event)
        for name, rate in zip(state.rate_names(len(rates)), rates, strict=False):
            self._point(state, "learning_rate", name, rate, event)
        if self._recorder.is_full:
            self._record(optimizer, state, rates, place)
        else:
            bad = state.norm is not None and not math.isfinite(state.norm)
            self._recorder.emit("step", state.name, place, state.light_detail(rates), has_nonfinite=bad)
        self._composer.nodes.edited()
        self._policy.used_by(optimizer)
        for other in self._iterations.stepped(optimizer) if is_own else ():
            self._policy.used_by(other)
        if self._recorder.has_errands:
            self._recorder.settle()
        self._depth.sync()

    def _point(self, state: OptimizerState, kind: str, name: str, value: float, event: int) -> None:
        id_ = state.series.get(name if kind == "learning_rate" else kind)
        if id_ is None:
            id_ = self._composer.series.id(kind, name)
            state.series[name if kind == "learning_rate" else kind] = id_
        self._recorder.writer.point(id_, event, self._recorder.iteration, value)

    def _record(
        self, optimizer: torch.optim.Optimizer, state: OptimizerState, rates: list[float], place: PlaceRow
    ) -> None:
        composer, parameters = self._composer, parameters_of(optimizer)
        composer.leaves(parameters, place)
        event, after = self._recorder.next_seq, []
        for tensor in parameters:
            after.append(composer.defined(tensor, state.blob, event, place)[0])
            value = norms.norm_of_all((tensor,))
            if value is not None:
                composer.series.point("parameter_norm", composer.tensors.record(tensor).label, value, event)
        groups = [number for number, group in enumerate(optimizer.param_groups) for _ in group["params"]]
        lists = (state.before, state.gradients, list(map(str, groups)))
        parts = ",".join(f"[{','.join(part if len(part) == len(after) else ())}]" for part in (after, *lists))
        is_unnoticed = state.versions == versions_of(parameters) and any(one != "null" for one in state.gradients)
        detail = f"[{dumps(state.name)},{dumps(rates)},{parts}{',true' if is_unnoticed else ''}]"
        self._recorder.emit("step", state.name, place, detail, state.blob, has_nonfinite=state.blob.has_nonfinite)
