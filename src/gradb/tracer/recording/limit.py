"""Holds the script where as many iterations are over as were asked for, so that whoever started it can end it there.

Nothing is asked at each event, as a breakpoint would: the accelerator goes on. Knows nothing of torch.
"""

from __future__ import annotations

from gradb.tracer.recording.recorder import Recorder

_REQUEST = 1


class Limit:
    """The last iteration of a run that is not to go on after it.

    Args:
        recorder: knows which iteration it is, and has the gate.
        iterations: as many are recorded. The script is held at the backward that comes after them, which is recorded
            too; a script that has no further backward comes to its own end.
    """

    def __init__(self, recorder: Recorder, iterations: int) -> None:
        self._recorder, self._iterations = recorder, iterations
        recorder.observer.backward_begins.listen(self._look)

    def _look(self) -> None:
        recorder = self._recorder
        if recorder.iteration > self._iterations:
            recorder.writer.set_run(ended_after=str(self._iterations))
            recorder.gate.pause_next(_REQUEST)
