"""Ends a run once the last iteration that is wanted is on the tape. Knows nothing of torch, nor how a process ends."""

from __future__ import annotations

from collections.abc import Callable

from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder


class Cutoff:
    """The last iteration of a run that is not to go on after it.

    Args:
        recorder: knows which iteration it is.
        interventions: know whether its number is sure to stay.
        last: the last iteration that is wanted.
        leave: ends the process; called with the recorder's lock held, right after the iteration's last event and before
            the script goes on.
    """

    def __init__(
        self, recorder: Recorder, interventions: Interventions, last: int, leave: Callable[[], object]
    ) -> None:
        self._recorder, self._interventions = recorder, interventions
        self._last, self._leave = last, leave
        recorder.observer.iteration_begins.listen(self._begin_iteration)
        recorder.observer.between_events.listen(self._look)

    def _is_due(self) -> bool:
        return self._recorder.iteration > self._last and self._interventions.is_settled()

    def _begin_iteration(self, iteration: int) -> None:
        if self._is_due():
            self._recorder.has_errands = True

    def _look(self) -> None:
        if self._is_due():
            self._leave()
