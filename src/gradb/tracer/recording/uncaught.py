"""Records the exception that ends a script."""

from __future__ import annotations

import traceback

from gradb.tape.kinds.error import write
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import PlaceRow


def tell_uncaught(recorder: Recorder, error: BaseException) -> None:
    """Record an exception that nothing caught, its traceback free of frames of ours."""
    text = "".join(traceback.format_exception(error))
    place = recorder.places.of_traceback(error.__traceback__)
    name, is_own = type(error).__name__, recorder.places.is_raised(error)
    detail = write(type=name, message=str(error), traceback=text, is_uncaught=True, is_raised=is_own)
    recorder.guard(_emit, recorder, name, place, detail, what="an uncaught error")


def _emit(recorder: Recorder, name: str, place: PlaceRow, detail: str) -> None:
    recorder.settle()
    recorder.emit("error", name, place, detail)
