"""What the header says of a debugger and the Frame that is shown. It draws nothing."""

from __future__ import annotations

from dataclasses import replace

from gradb.debugger.branches.beside import number_of
from gradb.debugger.debugger import Debugger
from gradb.debugger.inplace import Spot
from gradb.debugger.pace import News
from gradb.frame.frame import Frame
from gradb.frame.training import Training
from gradb.present.lines.questions import which_text
from gradb.present.options import Asked
from gradb.tape.missing import Stopped
from gradb.tui.bars import Heading


def heading(debugger: Debugger | None, frame: Frame | None, script: str, asked: Asked | None = None) -> Heading:
    """Return what the header says; ``script`` is what is run, until the tape says it, ``asked`` what a lesson asks."""
    is_running = debugger is None or debugger.is_running
    news = News() if debugger is None or not is_running else debugger.news
    made = Heading(
        script=script,
        iteration=news.iteration,
        loss=news.loss,
        rate=news.rate,
        status="starting" if debugger is None else debugger.status,
        is_running=is_running,
        missing=_missing(None if debugger is None else debugger.run.stopped),
        is_past=debugger is not None and debugger.spot != Spot(debugger.run.head),
        branch=0 if debugger is None else number_of(debugger.run.path),
        asked="" if asked is None else which_text(asked.question, asked.count),
        is_lived_again=debugger is not None and debugger.spot.lived is not None,
    )
    return made if frame is None else _with_frame(made, frame, debugger)


def _missing(stopped: Stopped | None) -> str:
    """Say since when nothing is recorded; why, the panes say. Of a script that was killed the status tells."""
    return "" if stopped is None or not stopped.is_sure else f"not recorded since event {stopped.event:,}"


def _depth(debugger: Debugger | None, training: Training) -> str:
    """Return how much is recorded at the position; before anything is, how much was asked for."""
    if not training.is_blank:
        return "full" if training.depth is None else training.depth.value
    spec = None if debugger is None else debugger.run.spec
    if spec is None:
        return ""
    return next((one.value for one in spec.interventions if one.what == "record" and one.iteration <= 1), "full")


def _with_frame(made: Heading, frame: Frame, debugger: Debugger | None) -> Heading:
    """Add what holds at the position."""
    training = frame.training
    newest = frame.iteration if made.is_past else max(frame.iteration, made.iteration)
    return replace(
        made,
        script=frame.run.script,
        phase=frame.phase,
        iteration=0 if frame.phase == "end" or training.is_over else newest,  # what comes after the last is in none
        total=training.total,
        depth=_depth(debugger, training),
        policy="" if training.policy is None else training.policy.value,
    )
