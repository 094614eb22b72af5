"""Puts the watchers together: everything gradb installs in torch, as one context that leaves torch as it found it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from gradb.tracer.backward import EngineWatch
from gradb.tracer.composer import Composer
from gradb.tracer.forward import ForwardMode
from gradb.tracer.functions import watched
from gradb.tracer.gradients import GradWatch
from gradb.tracer.probing import Prober
from gradb.tracer.recorder import Recorder
from gradb.tracer.scopes import ModuleScopes
from gradb.tracer.steps import StepWatch
from gradb.tracer.swaps import allowed
from gradb.tracer.threads import traced
from gradb.tracer.unwatched import unwatched
from gradb.tracer.warned import at_their_place


@contextlib.contextmanager
def tracing(
    recorder: Recorder, *, limit: int = 1024, probe: str = "auto", is_stepping: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Record everything autograd does in this process for as long as the context lasts.

    Args:
        recorder: where events go.
        limit: the largest number of elements of a tensor that is kept whole.
        probe: ``auto``, ``always`` or ``never``: see ``Prober``.
        is_stepping: tells whether a person is stepping the script.
    """
    composer = Composer(recorder, limit)
    grads = GradWatch(composer)
    mode = ForwardMode(composer, grads)
    with contextlib.ExitStack() as stack:
        stack.enter_context(unwatched(mode))
        stack.enter_context(grads.installed())
        engine = EngineWatch(composer, grads, Prober(probe, is_stepping))
        stack.enter_context(engine.installed())
        stack.enter_context(ModuleScopes(composer).installed())
        stack.enter_context(StepWatch(composer).installed())
        stack.enter_context(watched(mode))
        stack.enter_context(traced(mode))
        stack.enter_context(allowed(composer))
        stack.enter_context(at_their_place())
        stack.enter_context(mode)
        engine.hooks.begin()
        yield
