"""Watches optimizer steps: what each finds is looked at, what it left is told; then the next iteration may begin.

The learning rate that was set from outside holds for the time of the step only: before and after it the parameter
groups say what the script has put there.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.compiler import is_compiling

from gradb.tracer.isolation.patches import replaced
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.depth import Depth
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.watch.blind_spots import BlindSpots, is_torchs
from gradb.tracer.watch.optimizers import OptimizerStates, parameters_of
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.step_events import StepEvents
from gradb.tracer.watch.step_sizes import copies_of


class Compiled:
    """What compiled code has done: all that it does for us is to set an attribute."""

    def __init__(self) -> None:
        self.optimizer: torch.optim.Optimizer | None = None


def _kinds(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = kind.__subclasses__()
    for below in subclasses:
        yield from _kinds(below)


class StepWatch:
    """Records what an optimizer step found and what it left in the parameters."""

    def __init__(
        self,
        composer: Composer,
        iterations: Iterations,
        policy: ZeroPolicy,
        depth: Depth,
        blind_spots: BlindSpots,
        look_at_gradients: Callable[[], None],
    ) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._iterations = iterations
        self._policy = policy
        self._depth = depth
        self._blind_spots = blind_spots
        self._states = OptimizerStates(self._variable_of)
        self._events = StepEvents(composer)
        self._has_set_rates = False
        self._look_at_gradients = look_at_gradients
        self.count = 0
        """Steps that were made."""
        self._steps: weakref.WeakSet[Callable[..., Any]] = weakref.WeakSet()
        """The functions of ours that are in the place of a class's ``step``."""
        self._compiled = Compiled()

    def is_stepping(self) -> bool:
        """Tell whether an optimizer is making a step: what is changed then is the step's."""
        return bool(self._composer.local.steps)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """See optimizers being made, and their steps, for as long as the context lasts."""
        with contextlib.ExitStack() as stack:
            for kind in _kinds(torch.optim.Optimizer):
                self._watch(stack, kind)
            stack.enter_context(replaced(torch.optim.Optimizer, "__init__", functools.partial(self._making, stack)))
            yield

    def _making(self, stack: contextlib.ExitStack, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if not is_compiling():
                self._composer.guard(self._watch_kinds, stack, type(optimizer))
                self._composer.guard(self._made, optimizer)

        return init

    def _watch_kinds(self, stack: contextlib.ExitStack, kind: type) -> None:
        for one in kind.__mro__:
            if issubclass(one, torch.optim.Optimizer):
                self._watch(stack, one)

    def _watch(self, stack: contextlib.ExitStack, kind: type) -> None:
        """See the steps of a class of optimizers: torch gives its ``step`` hooks when the first of them is made."""
        step = vars(kind).get("step")
        if getattr(step, "hooked", False) and step not in self._steps:
            stack.enter_context(replaced(kind, "step", self._watched))

    def _watched(self, original: Callable[..., Any]) -> Callable[..., Any]:
        compiled, is_own = self._compiled, is_torchs(original)

        @functools.wraps(original)
        def step(*args: Any, **kwargs: Any) -> Any:
            if is_compiling():
                compiled.optimizer = args[0]
                return original(*args, **kwargs)
            if not self._recorder.is_active or self._is_stepping(args[0]):
                return original(*args, **kwargs)
            return self._run(original, is_own, args, kwargs)

        self._steps.add(step)
        return step

    def _is_stepping(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether this is the step of a base class, which one of its own calls."""
        steps = self._composer.local.steps
        return bool(steps) and any(one is optimizer for one in steps)

    def _run(self, step: Callable[..., Any], is_own: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        optimizer, stepping = args[0], self._composer.local.steps
        prepared = self._attempting()(self._attempt, step, is_own, args, kwargs)
        try:
            stepping.append(optimizer)
            result = step(*args, **kwargs) if prepared is None else prepared()
        except BaseException:
            self._composer.guard(self._raised, optimizer)
            raise
        finally:
            stepping.pop()
        self._stepped(optimizer)
        return result

    def _attempting(self) -> Callable[..., Any]:
        """Return what looks at a step first: rates that are changed from outside are so each time or no more."""
        composer = self._composer
        is_changed = composer.interventions.lr is not None
        return functools.partial(composer.intervene, "lr") if is_changed else composer.guard

    def _noting(self) -> Callable[..., Any]:
        """Return what looks at a step afterwards: the policy ``on`` has to know of each, or ends."""
        composer = self._composer
        return functools.partial(composer.intervene, "zero_grad") if self._policy.is_on else composer.guard

    def _made(self, optimizer: torch.optim.Optimizer) -> None:
        event = self._recorder.settle()
        self._composer.naming.settle_waiting(event)
        self._iterations.made(optimizer)
        self._states.made(optimizer, event - 1, self._recorder.find(4).place, self._composer)

    def _variable_of(self, optimizer: torch.optim.Optimizer) -> str | None:
        """Return what the script calls an optimizer, where there are several to tell apart."""
        if len(self._iterations.optimizers) < 2:
            return None
        try:
            return self._composer.naming.variable_of(optimizer)
        except Exception as error:
            self._composer.missing("names", error)
            return None

    def _attempt(self, step: Callable[..., Any], is_own: bool, args: Any, kwargs: Any) -> Callable[[], Any] | None:
        """What a failure leaves of a step is a step without what it found, at the script's own rates."""
        optimizer = args[0]
        try:
            closure = args[1] if len(args) > 1 else kwargs.get("closure")
            self._before(optimizer, closure)
            if closure is not None:
                return self._with_closure(step, closure, args, kwargs)
            is_alone = is_own and len(args) == 1 and not kwargs and self._composer.interventions.zero_grad == "script"
            if is_alone and self._blind_spots.covers(optimizer):
                return functools.partial(self._blind_spots.run, step, optimizer)
            return None
        except Exception as error:
            try:
                self._restore(optimizer)
            finally:
                self._composer.interventions.give_up("lr")
            state = self._states.of(optimizer)
            state.forget()
            state.blind = error
            return None

    def _stepped(self, optimizer: torch.optim.Optimizer) -> None:
        self.count += 1
        self._noting()(self._after, optimizer)
        if self._has_set_rates:
            self._restore(optimizer)
        self._states.forget(optimizer)

    def _raised(self, optimizer: torch.optim.Optimizer) -> None:
        self._events.tell_unseen(self._states.of(optimizer))
        self._states.forget(optimizer)

    def _restore(self, optimizer: torch.optim.Optimizer) -> None:
        """Put the script's own rates back, whatever happened."""
        self._has_set_rates = False
        try:
            self._states.of(optimizer).restore_rates(optimizer)
        except Exception as error:
            self._recorder.lost(error, "the script's own learning rate", hides="values")

    def look_for_compiled(self) -> None:
        """Record the step that compiled code has made since: nothing of ours runs inside of it."""
        optimizer, self._compiled.optimizer = self._compiled.optimizer, None
        if optimizer is not None:
            state = self._states.of(optimizer)
            self.count += 1
            state.is_final = state.is_seen = True
            self._after(optimizer)
            state.forget()

    def _before(self, optimizer: torch.optim.Optimizer, closure: Callable[[], Any] | None) -> None:
        state, parameters = self._states.of(optimizer), parameters_of(optimizer)
        self._look_at_gradients()
        state.is_final = closure is None
        if self._recorder.is_full:
            self._recorder.settle()
            if closure is not None or not state.look_at_once(self._composer, parameters):
                state.look(self._composer, parameters)
        if closure is None and state.found is None:
            state.look_at_gradients(self._composer, parameters)
        if self._recorder.gate.measures_updates:
            state.copies = copies_of(parameters)
        if state.own_rates:  # the last step raised
            state.restore_rates(optimizer)
        if self._composer.interventions.lr is not None:
            self._has_set_rates = True
            state.set_rate(optimizer, self._composer.interventions.lr)
        state.is_seen = True

    def _with_closure(
        self, step: Callable[..., Any], closure: Callable[[], Any], args: Any, kwargs: Any
    ) -> Callable[[], Any] | None:
        """Return a step whose closure is run by ours, where that has something to do with it."""
        optimizer = args[0]
        if not (self._policy.is_on or self._states.of(optimizer).own_rates):
            return None
        prepared = functools.partial(self._evaluate, optimizer, closure)
        if len(args) > 1:
            return functools.partial(step, optimizer, prepared, *args[2:], **kwargs)
        return functools.partial(step, optimizer, **kwargs | {"closure": prepared})

    def _evaluate(self, optimizer: torch.optim.Optimizer, closure: Callable[[], Any]) -> Any:
        """Run a closure; each run begins with gradients that earlier ones have used up."""
        self._noting()(self._policy.used_by, optimizer)
        try:
            return closure()
        except BaseException:  # the step ends here, and its hook is not called
            self._states.of(optimizer).restore_rates(optimizer)
            raise

    def _after(self, optimizer: torch.optim.Optimizer) -> None:
        is_own = not self._composer.local.steps  # and not part of another optimizer's
        try:
            self._tell(optimizer, is_own)
        except Exception as error:
            self._recorder.lost(error, "a step", hides="values")
        self._composer.nodes.edited()
        self._end(optimizer, is_own=is_own)

    def _tell(self, optimizer: torch.optim.Optimizer, is_own: bool) -> None:
        if is_own:
            self._iterations.steps(optimizer)
        state, place = self._states.of(optimizer), self._recorder.find(4).place.row
        self._see_parameters(optimizer, place)
        self._events.tell_unseen(state)
        if not state.is_final:
            state.look_at_gradients(self._composer, parameters_of(optimizer))
        self._events.made(optimizer, state, self._recorder.settle(), place)
        state.why_skipped = ""

    def _see_parameters(self, optimizer: torch.optim.Optimizer, place: PlaceRow) -> None:
        """Tell of the parameters that were never seen: before the step, whose points hold from its own event on."""
        if self._recorder.is_full:
            self._composer.leaves(parameters_of(optimizer), place)

    def unscaled(self, optimizer: torch.optim.Optimizer) -> None:
        """Remember why the next step of an optimizer will be skipped: what follows may change the gradients."""
        optimizer = self._states.within(optimizer)
        state = self._states.of(optimizer)
        state.why_skipped = state.first_nonfinite(self._composer, parameters_of(optimizer))

    def skipped(self, optimizer: torch.optim.Optimizer) -> None:
        """Record a step that GradScaler has skipped: an iteration that changes nothing."""
        optimizer = self._states.within(optimizer)
        self._iterations.steps(optimizer)
        state, parameters = self._states.of(optimizer), parameters_of(optimizer)
        place = self._recorder.find(3).place.row
        self._see_parameters(optimizer, place)
        event = self._recorder.settle()
        if self._recorder.is_full:
            state.look(self._composer, parameters)
            state.look_at_gradients(self._composer, parameters)
        if self._recorder.gate.measures_updates:
            state.copies = copies_of(parameters)
        self._events.skipped(optimizer, state, event, place)
        state.why_skipped = ""
        self._end(optimizer, is_own=True)
        state.forget()

    def _end(self, optimizer: torch.optim.Optimizer, *, is_own: bool) -> None:
        """Do what there is to do after a step, made or skipped."""
        try:
            self._policy.used_by(optimizer)
            for other in self._iterations.stepped(optimizer) if is_own else ():
                if other is not optimizer:
                    self._policy.used_by(other)
        except Exception as error:
            self._composer.missing("iterations", error)
            if self._policy.is_on:
                self._composer.interventions.give_up("zero_grad")
        if self._recorder.has_errands:
            self._recorder.settle()
        self._depth.sync()
