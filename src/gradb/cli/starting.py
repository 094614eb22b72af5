"""Makes the debuggers that the screen shows.

What a run needs takes as long to load as the screen, which does not wait for it: this is imported behind the first
paint.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from gradb.batch.record import Line
from gradb.cli import progress
from gradb.cli.recent import remember_script, remember_tape
from gradb.cli.scenarios import is_scenario
from gradb.cli.tapes import new_recent_tape
from gradb.cli.target import check_recording
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec
from gradb.tape.database import TapeError


def open_tape(path: str) -> Debugger:
    """Open a recording, and say on a terminal how far it is where that takes a while.

    Raises:
        UserError: it is not a tape that can be read.
    """
    check_recording(path)
    line = Line(sys.stderr.write if sys.stderr.isatty() else None)
    try:
        return Debugger.open(path, lambda share: line.show(lambda: f"writing the rest of {path}: {share:.0%}"))
    finally:
        line.clear()


def open_on_screen(path: str, *, is_remembered: bool = True) -> Debugger:
    """Open a recording while the screen is there, and remember it for the picker, if that is not there anyway.

    Raises:
        UserError: it is not a tape that can be read.
    """
    try:
        debugger = Debugger.open(path)
    except TapeError as error:
        raise UserError(str(error)) from error
    if is_remembered:
        remember_tape(path)
    return debugger


def launch(spec: RunSpec) -> Debugger:
    """Start a script on the screen, and remember it for the picker: a scenario as a lesson that was begun.

    Args:
        spec: the order; one that names no tape has a new one with the recent ones.

    Raises:
        UserError: it cannot be started.
    """
    debugger = Debugger.launch(
        spec if spec.tape else replace(spec, tape=new_recent_tape(spec.script or spec.module or ""))
    )
    if spec.script is not None and is_scenario(spec.script, spec.cwd or ""):
        progress.note(spec.script.rpartition("/")[2].removesuffix(".py"), "begun")
    elif spec.script is not None:
        remember_script(spec.script, spec.arguments)
    return debugger
