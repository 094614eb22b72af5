"""Has losses and steps make no events while only watching, where their numbers alone are wanted."""

from __future__ import annotations

from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder


class Terseness:
    """Makes a recorder terse from the first iteration on whose number is sure to stay.

    Numbers that are given anew are known by the events before which that was done, so until then there are events.

    Args:
        recorder: knows which iteration it is.
        interventions: know whether its number is sure to stay.
    """

    def __init__(self, recorder: Recorder, interventions: Interventions) -> None:
        self._recorder, self._interventions = recorder, interventions
        recorder.observer.iteration_begins.listen(self._begin_iteration)

    def _begin_iteration(self, iteration: int) -> None:
        if not self._recorder.is_terse:
            self._recorder.is_terse = self._interventions.is_settled()
