"""Bare ``gradb``: pick a scenario or a recent tape."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

from gradb.cli.scenarios import scenarios
from gradb.cli.screen import show_picker
from gradb.cli.tapes import new_recent_tape, recent_tapes
from gradb.cli.target import check_script, check_torch, is_tape
from gradb.debugger.debugger import Debugger
from gradb.frame.frame import RunInfo
from gradb.frame.reader import Tape, TapeError
from gradb.link.spec import RunSpec

Entry = tuple[str, str, str, str]


def run(options: Namespace) -> int:
    """Show the picker and return the exit code."""
    return show_picker(entries(), start, options.theme)


def entries() -> list[Entry]:
    """Return (path, title, about, group) of everything that can be picked."""
    lessons = [(scenario.path, scenario.title, scenario.lesson, "Scenarios") for scenario in scenarios()]
    return lessons + [entry for path in recent_tapes() if (entry := _tape_entry(path)) is not None]


def _tape_entry(path: Path) -> Entry | None:
    try:
        with Tape.open(path) as tape:
            info = tape.run
            stamp = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
            return str(path), _title(info), f"{stamp}, {tape.head:,} events, {info.status}", "Recent tapes"
    except (TapeError, OSError):
        return None


def _title(info: RunInfo) -> str:
    return " ".join([Path(info.script).name, *info.arguments]) or "a run"


def start(path: str) -> Debugger:
    """Open a tape, or start a scenario.

    Raises:
        UserError: it cannot be opened or started.
    """
    if is_tape(path):
        return Debugger.open(path)
    check_script(path)
    check_torch()
    return Debugger.launch(RunSpec(script=path, tape=new_recent_tape(path)))
