"""Bare ``gradb``: pick what was opened last, a scenario, or a file."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.cli import browse
from gradb.cli.complaint import complain_of
from gradb.cli.course import Lessons, lessons
from gradb.cli.recent import recents
from gradb.cli.recordings import recent_folder, recent_tapes, time_of
from gradb.cli.scenarios import is_scenario
from gradb.cli.screen import show_picker
from gradb.cli.target import check_file, check_script, check_torch, is_recording
from gradb.link.spec import RunSpec
from gradb.tape.database import TapeError
from gradb.tui.entries import Entry

if TYPE_CHECKING:
    from gradb.cli.recent import Recent
    from gradb.debugger.debugger import Debugger
    from gradb.frame.frame import RunInfo

_SCRIPTS = "Recent scripts"
_SHOWN = 6  # scripts, and as many recordings
_UNENDED = frozenset({"running", "ended without notice"})
"""Of a run that is still going on, or that somebody has left before its end."""


def run(options: Namespace) -> int:
    """Show the picker and return the exit code."""
    offer, lessons = Offer(), Lessons()
    code = show_picker(offer, options.theme, lessons)
    for debugger in (*offer.started, *lessons.started):
        complain_of(debugger.run)
    return code


class Offer:
    """What can be picked."""

    def __init__(self) -> None:
        self.started: list[Debugger] = []

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The scripts that were run last, the scenarios by chapter, and the way to any file."""
        browse_here = Entry("./", "Open a file ...", "a script or a recording: type its path, or look for it", "Files")
        return [*_scripts(recents()), *lessons(), browse_here]

    def with_recordings(self) -> Sequence[Entry]:
        """Return these with the recordings behind the scripts."""
        count = sum(entry.group == _SCRIPTS for entry in self.entries)
        return [*self.entries[:count], *_tapes(recents()), *self.entries[count:]]

    @property
    def summary(self) -> str:
        """How many of the lessons are done."""
        return Lessons().summary()

    def files(self, text: str) -> Sequence[Entry]:
        """Return the scripts, tapes and folders that a path which is being typed may come to."""
        return browse.files(text)

    def start(self, entry: Entry) -> Debugger:
        """Open a tape, or start a script.

        Raises:
            UserError: it cannot be opened or started.
        """
        path = str(Path(entry.path).expanduser())
        check_file(path)
        self.started.append(_open(path) if is_recording(path) else _launch(path, entry))
        return self.started[-1]


def _open(path: str) -> Debugger:
    from gradb.cli.starting import open_on_screen  # behind the first paint

    return open_on_screen(path, is_remembered=Path(path).parent != recent_folder())


def _launch(path: str, entry: Entry) -> Debugger:
    from gradb.cli.starting import launch  # behind the first paint

    check_script(path)
    check_torch()
    return launch(RunSpec(script=path, tape="", arguments=entry.arguments, cwd=entry.cwd))


def _scripts(latest: Sequence[Recent]) -> list[Entry]:
    found = [each for each in latest if each.is_script and not is_scenario(each.path)]
    return [
        Entry(
            each.path,
            shlex.join([Path(each.path).name, *each.arguments]),
            f"{_stamp(each.at)}, in {_short(each.cwd)}",
            _SCRIPTS,
            arguments=each.arguments,
            cwd=each.cwd,
        )
        for each in found[:_SHOWN]
    ]


def _tapes(latest: Sequence[Recent]) -> list[Entry]:
    """Return the recordings that were opened or made last and that came to their end."""
    times = {each.path: each.at for each in latest if not each.is_script}
    times |= {str(path): time_of(path) for path in recent_tapes()}
    newest = sorted(times, key=times.__getitem__, reverse=True)
    found = (entry for path in newest if (entry := _tape_entry(path, times[path])) is not None)
    return list(islice(found, _SHOWN))


def _tape_entry(path: str, at: float) -> Entry | None:
    from gradb.frame.reader import Tape  # behind the first paint

    try:
        with Tape.open(path) as tape:
            info = tape.run
            if Path(path).parent == recent_folder() and is_scenario(info.script, info.cwd):
                return None  # a lesson is listed as one
            about = f"{_stamp(at)}, {tape.head:,} events, {info.status}"
    except (TapeError, OSError):
        return None
    return None if info.status in _UNENDED else Entry(path, _title(info), about, "Recent recordings")


def _title(info: RunInfo) -> str:
    return shlex.join([Path(info.script).name, *info.arguments]) or "a run"


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _short(folder: str) -> str:
    """Return a folder as people write it, the home folder by its sign."""
    home = str(Path.home())
    return f"~{folder.removeprefix(home)}" if folder == home or folder.startswith(f"{home}/") else folder
