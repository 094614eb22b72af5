"""Watches the engine: every node before and after it runs, and every accumulation into ``.grad``.

All of autograd goes through ``torch.autograd.graph._engine_run_backward``. Around it, each node that is about to run
gets a prehook and a hook, whose handles are removed when the engine returns (hooks left on leaves would pile up from
iteration to iteration). The script is held inside these hooks, on the thread that runs the node.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from gradb.tape.oddity import oddity
from gradb.tracer.native.trial import accelerator
from gradb.tracer.probe.probing import Prober
from gradb.tracer.probe.requests import Asker
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.source.places import Place
from gradb.tracer.tensors.history import grad_of
from gradb.tracer.tensors.losses import Losses
from gradb.tracer.tensors.reach import Reach, leaves_of
from gradb.tracer.watch.aten import Microscope
from gradb.tracer.watch.creation_hooks import ends_made
from gradb.tracer.watch.engine_arguments import accumulates
from gradb.tracer.watch.engine_run import BackwardRun, Parts
from gradb.tracer.watch.gradients import GradWatch
from gradb.tracer.watch.quick import quick_parts
from gradb.tracer.watch.transit import Hooks
from gradb.tracer.watch.visits import visit_of

Engine = Callable[..., Any]
_current_task = torch._C._current_graph_task_id
_remove = RemovableHandle.remove  # torch's own: that of a hook of the script's is watched


class EngineWatch:
    """Wraps the engine's entry point."""

    def __init__(
        self,
        composer: Composer,
        grads: GradWatch,
        iterations: Iterations,
        prober: Prober,
        microscope: Microscope,
        asker: Asker,
        look_for_compiled: Callable[[], None],
        make_run: Callable[[Parts], BackwardRun] = BackwardRun,
    ) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._grads = grads
        self._iterations = iterations
        self._losses = Losses(composer.scaled)
        self.hooks = Hooks()
        self._make_parts = functools.partial(self._parts_of, composer, prober, microscope, asker)
        self._parts = self._make_parts()
        composer.recorder.observer.goes_on.listen(self._go_on)
        self._look_for_compiled, self._make_run = look_for_compiled, make_run

    def _parts_of(self, composer: Composer, prober: Prober, microscope: Microscope, asker: Asker) -> Parts:
        lending = self._grads.lending
        quick = quick_parts(composer, prober, lending, asker)
        reach = Reach(composer.nodes.mark, getattr(accelerator(), "reach", None))
        return Parts(composer, prober, self._losses, self.hooks, microscope, asker, lending, reach, visit_of, *quick)

    def _go_on(self, probe: str) -> None:
        """Probe other nodes from here on."""
        self._parts.prober.mode = probe
        self._parts = self._make_parts()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Replace the entry point in both modules that hold it, for as long as the context lasts."""
        original = torch.autograd.graph._engine_run_backward
        in_transform = torch._C._functorch.peek_interpreter_stack

        @functools.wraps(original)
        def engine(t_outputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            if not self._recorder.is_active or torch._guards.TracingContext.try_get() is not None:
                return original(t_outputs, *args, **kwargs)  # torch.compile differentiates what it traces
            if in_transform() is not None and self._composer.guard(self._composer.is_in_transform):
                return original(t_outputs, *args, **kwargs)
            if not self._recorder.is_full:
                try:
                    return self._watch_only(original, t_outputs, args, kwargs)
                finally:
                    if self._recorder.has_depth_waiting:
                        self._composer.guard(self._recorder.observer.unseen_call)
            return self._watch(original, t_outputs, args, kwargs)

        torch.autograd.graph._engine_run_backward = engine
        torch.autograd._engine_run_backward = engine  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.autograd.graph._engine_run_backward = original
            torch.autograd._engine_run_backward = original  # type: ignore[attr-defined]

    def _watch(self, original: Engine, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        guard = self._composer.guard
        ends = ends_made(self._composer, roots) if self._composer.is_creation_hooked else ()  # noqa: F841 - held until the engine is done
        runs: list[BackwardRun] = []
        try:
            guard(self._open, runs, roots, args, kwargs)
            result = original(roots, *args, **kwargs)
            guard(self._close, runs, result, "")  # before a handler that has waited for the engine may raise
        except BaseException as error:
            guard(self._close, runs, (), f"{type(error).__name__}: {error}")
            for run in runs:
                guard(self._grads.error, error, run.place)
            raise
        finally:
            for run in runs:
                if not run.is_over:
                    guard(run.unhook)
            if self._grads.lending.has_lent:
                guard(self._let_go, runs)
        return result

    def _open(
        self, runs: list[BackwardRun], roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Record that a call begins; ``runs`` gets what goes on with it, where that can be made."""
        attempt = self._composer.attempt
        run: BackwardRun | None = attempt("", self._make_run, self._parts)
        if run is not None:
            runs.append(run)
        cleared = "zero_grad" if self._composer.interventions.zero_grad == "on" else ""
        place = attempt(cleared, self._prepare, accumulates(args, kwargs), 5)
        if run is not None:
            attempt("", run.begin, roots, args, kwargs, place)

    def _close(self, runs: list[BackwardRun], result: Any, error: str) -> None:
        """Record that it is over; what is done already is not done again."""
        for run in runs:
            self._composer.attempt("", run.finish, result, error)
            run.unhook()

    def _let_go(self, runs: list[BackwardRun]) -> None:
        for run in runs:
            self._grads.backward_ends(run)
        if not runs:
            self._grads.renew()

    def _clearing(self) -> Callable[..., Any]:
        """Return what runs a part before a backward: what gradb clears there, it clears each time or no more."""
        composer = self._composer
        is_on = composer.interventions.zero_grad == "on"
        return functools.partial(composer.intervene, "zero_grad") if is_on else composer.guard

    def _prepare(self, accumulates: bool, depth: int) -> Place:
        """Do what has to be done before the engine runs: an iteration may begin, gradients may have to be cleared.

        ``depth`` is how many frames of ours lie above.
        """
        self._look_for_compiled()
        place = self._recorder.find(depth).place
        if self._composer.run() is None:  # one inside of another belongs to what that does
            try:
                self._iterations.backward_begins(place.row)
            except Exception as error:
                self._composer.missing("iterations", error)
        if self._recorder.has_errands:
            self._recorder.settle()
        if accumulates:
            try:
                self._grads.before_backward(place.row)
            except Exception as error:
                self._recorder.lost(error, "what was cleared", hides="gradients")
                self._composer.interventions.give_up("zero_grad")
        return place

    def _watch_only(self, original: Engine, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the engine, and record no more than what it began from."""
        guard = self._composer.guard
        self._clearing()(self._begin_unseen, roots, accumulates(args, kwargs))
        leaves = guard(self._leaves, roots) if self._composer.interventions.zero_grad != "script" else None
        try:
            result = original(roots, *args, **kwargs)
        except BaseException as error:
            guard(self._grads.error, error, self._recorder.find().place.row)
            raise
        finally:
            if self._grads.lending.has_lent:
                guard(self._grads.renew)
        if leaves:
            guard(self._remember, leaves)
        return result

    def _begin_unseen(self, roots: Sequence[Any], accumulates: bool) -> None:
        place = self._prepare(accumulates, 5)
        losses, odd, row = self._losses.of(roots, place), 0, place.row
        event = self._recorder.settle()
        for name, value in losses:
            self._composer.series.point("loss", name, value, event, row)
            odd |= self._composer.births.watched(name, oddity(value))
        if self._recorder.is_terse:
            self._recorder.writer.pen.write()
            return
        detail = self._losses.text(losses, place)
        self._recorder.emit("loss", losses[0][0] if losses else "loss", row, detail, odd=odd)

    def _leaves(self, roots: Sequence[Any]) -> list[weakref.ref[torch.Tensor]]:
        """Return the leaves that a backward will reach: a policy has to know whose a ``.grad`` is."""
        return [weakref.ref(leaf) for leaf in leaves_of(roots)]

    def _remember(self, leaves: Sequence[weakref.ref[torch.Tensor]]) -> None:
        tensors = self._composer.tensors
        for ref in leaves:
            if (leaf := ref()) is not None:
                known = tensors.note_grad(leaf, grad_of(leaf))
                if not known.memory_key:
                    tensors.note_memory(known, leaf)
