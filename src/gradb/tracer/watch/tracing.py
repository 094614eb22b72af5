"""Puts the watchers together: everything gradb installs in torch, as one context that leaves torch as it found it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from gradb.link.spec import Nudge
from gradb.tracer.evaluation.evaluator import Evaluator
from gradb.tracer.isolation.dynamo import run_as_they_are
from gradb.tracer.isolation.genuine import grad_mode
from gradb.tracer.isolation.mode_stack import hidden
from gradb.tracer.isolation.warnings import at_their_place
from gradb.tracer.native.trial import doubt
from gradb.tracer.probe.probing import Prober
from gradb.tracer.probe.requests import Asker
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.depth import Depth
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.resumption import Resumption
from gradb.tracer.watch.aten import Microscope
from gradb.tracer.watch.backward import EngineWatch
from gradb.tracer.watch.blind_spots import BlindSpots
from gradb.tracer.watch.call import ForwardCall
from gradb.tracer.watch.checkpoints import recomputing_frames, recomputing_functions
from gradb.tracer.watch.creation_hooks import ours_unseen
from gradb.tracer.watch.custom_functions import watched
from gradb.tracer.watch.engine_run import BackwardRun
from gradb.tracer.watch.fast_paths import unnoticed
from gradb.tracer.watch.forward import ForwardMode
from gradb.tracer.watch.grad_scaler import scaling
from gradb.tracer.watch.gradients import GradWatch
from gradb.tracer.watch.hooks import UserHooks
from gradb.tracer.watch.node_code import custom_backwards
from gradb.tracer.watch.optimizers import holds_more
from gradb.tracer.watch.perturbation import Nudging
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.scopes import ModuleScopes
from gradb.tracer.watch.steps import StepWatch
from gradb.tracer.watch.swaps import allowed
from gradb.tracer.watch.threads import traced
from gradb.tracer.watch.updates import UpdateWatch


@contextlib.contextmanager
def tracing(
    recorder: Recorder,
    interventions: Interventions,
    *,
    limit: int = 1024,
    probe: str = "auto",
    is_stepping: Callable[[], bool] = lambda: False,
    nudge: Nudge | None = None,
) -> Iterator[Callable[[], float | None]]:
    """Record everything autograd does in this process for as long as the context lasts.

    Args:
        recorder: where events go.
        interventions: what is changed from outside.
        limit: the largest number of elements of a tensor that is kept whole.
        probe: ``auto``, ``small``, ``always`` or ``never``: see ``Prober``.
        is_stepping: tells whether a person is stepping the script.
        nudge: what a numerical check changes in this run; None in every other.

    Yields:
        A function that returns the newest loss.
    """
    recorder.grad_mode = grad_mode
    composer = Composer(recorder, interventions, limit, is_stepping)
    recorder.scope = lambda: composer.scope
    iterations, policy = Iterations(recorder, holds_more), ZeroPolicy(recorder, interventions)
    grads = GradWatch(composer, policy)
    updates = UpdateWatch(composer, iterations, policy)
    hooks, microscope = UserHooks(composer, grads.lending), Microscope(composer)
    nudging = None if nudge is None else Nudging(composer, nudge)
    make_call = ForwardCall if nudging is None else nudging.make_call
    mode = ForwardMode(composer, grads, updates, hooks, microscope, make_call)
    scopes = ModuleScopes(composer, vars(mode).get("__torch_function__"))
    depth = Depth(recorder, interventions, mode, scopes.installed)
    blind_spots = BlindSpots(mode, is_stepping)
    steps = StepWatch(composer, iterations, policy, depth, blind_spots, grads.look)
    prober, asker = Prober(probe, is_stepping, composer.missing), Asker(composer)
    recorder.observer.asked.listen(asker.answer)
    recorder.observer.evaluated.listen(Evaluator(composer).answer)
    make_run = BackwardRun if nudging is None else nudging.make_run
    engine = EngineWatch(composer, grads, iterations, prober, microscope, asker, steps.look_for_compiled, make_run)
    interventions.training = Resumption(composer, iterations, grads.renew)
    with contextlib.suppress(Exception):  # another torch: no worse than it was
        run_as_they_are([Composer.guard])
    with contextlib.ExitStack() as stack:
        stack.enter_context(blind_spots.installed())
        stack.enter_context(unnoticed(blind_spots))
        for installed in (grads.installed(), microscope.installed(), engine.installed()):
            stack.enter_context(installed)
        if nudging is not None:
            stack.enter_context(nudging.installed())
        stack.enter_context(steps.installed())
        missing = list(_installed(stack, composer, mode, hooks, steps))
        for context in (ours_unseen(composer), hidden(mode), allowed(composer), at_their_place(), depth.installed()):
            stack.enter_context(context)
        engine.hooks.begin()
        _tell(recorder, missing)
        yield lambda: composer.series.newest_loss
        composer.guard(steps.look_for_compiled)
        composer.guard(grads.flush)
        with recorder.lock:
            updates.finish()
            if left := interventions.left():
                recorder.note(left)


def _tell(recorder: Recorder, missing: list[tuple[str, Exception]]) -> None:
    """Say on the tape what is not seen, and that values are read more slowly than they could be."""
    with recorder.lock:
        recorder.settle()
        for what, error in missing:
            recorder.failures.event(what, error)
        if why := doubt():
            recorder.note(f"values are read in Python, not by the C accelerator: {why}")


def _installed(
    stack: contextlib.ExitStack, composer: Composer, mode: ForwardMode, hooks: UserHooks, steps: StepWatch
) -> Iterator[tuple[str, Exception]]:
    """Install what sees one kind of thing each; where this torch lacks what one rests on, yield what is not seen."""
    watchers: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
        "calls of custom Functions": lambda: watched(mode),
        "hooks": lambda: hooks.installed(mode),
        "the scale of a GradScaler": lambda: scaling(composer, steps),
        "threads of the script": lambda: traced(mode),
        "what a checkpoint computes again": lambda: recomputing_frames(composer, mode),
        "what a reentrant checkpoint computes again": lambda: recomputing_functions(composer, mode),
        "what a custom backward computes": lambda: custom_backwards(composer, mode),
    }
    for what, install in watchers.items():
        try:
            stack.enter_context(install())
        except Exception as error:
            yield what, error
