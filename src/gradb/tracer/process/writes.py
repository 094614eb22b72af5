"""Keeps which files the script opens for writing, moves and removes: who runs it again is to know what that overwrites.

Python's audit events tell of them before they happen. A hook on these cannot be taken out again and is called for many
other things, so it looks at the event's name and no more; what is found is put on the tape when that is committed.
What compiled code writes past Python is not seen, but for ``torch.save``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from gradb.tape import written
from gradb.tape.written import Deed, Write
from gradb.tracer.isolation.patches import replaced
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native import loading
from gradb.tracer.recording.recorder import Recorder

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NOT_FILES = ("/dev/", "/proc/", "/sys/")
_COMPILED = f"{os.sep}__pycache__"
_MOST_COUNTED = 100_000
_AT_NO_FOLDER = -1


class Writes:
    """What this process has done to files.

    Args:
        recorder: keeps it.
        tape: path of the tape: what begins with it is gradb's own.
    """

    def __init__(self, recorder: Recorder, tape: str) -> None:
        self._recorder, self._tape = recorder, os.path.abspath(tape)
        self._pid = os.getpid()
        self._found: dict[tuple[str, Deed], Write] = {}
        self._was_there: dict[str, bool] = {}
        self._further: set[int] = set()
        self._told = self._told_further = 0
        self.is_open = True
        self._about_to: Callable[[str, Deed], object] = lambda path, deed: None
        self._takers: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "sqlite3.connect": self._connected,
            "os.truncate": lambda path, *_: self._add(path, "opened"),
            "os.remove": lambda path, folder=_AT_NO_FOLDER: self._changed(path, folder, "removed"),
            "os.rmdir": lambda path, folder=_AT_NO_FOLDER: self._changed(path, folder, "folder removed"),
            "shutil.rmtree": lambda path, *_: self._changed(path, _AT_NO_FOLDER, "folder removed"),
            "os.mkdir": lambda path, mode=0, folder=_AT_NO_FOLDER: self._made(path, folder),
            "os.rename": self._renamed,
            "os.link": lambda source, path, *rest: self._changed(path, rest[-1] if rest else -1, "linked"),
            "os.symlink": lambda source, path, folder=_AT_NO_FOLDER: self._changed(path, folder, "linked"),
        }
        recorder.observer.before_commit.listen(lambda is_last: self.tell())
        recorder.observer.stopped.listen(lambda head, why: self.close())

    def go_on(self, tape: str, about_to: Callable[[str, Deed], object]) -> None:
        """Go on in a forked process, with nothing done so far.

        Args:
            tape: path of the tape of this one.
            about_to: is called before anything is done, with the path and what is to be done.
        """
        self._pid, self._tape, self._about_to = os.getpid(), os.path.abspath(tape), about_to
        self._found, self._was_there, self._further = {}, {}, set()
        self._told = self._told_further = 0

    def install(self) -> None:
        """Have Python tell of what is done to files, from here on; in C the other events pass by nearly for nothing."""
        takers = self._takers
        if (accelerator := loading.standing().module) is not None:
            accelerator.audit(self.see, *takers)
            return

        def hook(event: str, given: tuple[Any, ...]) -> None:
            if event in takers:
                self.see(event, given)

        sys.addaudithook(shielded(hook))

    @shielded
    def see(self, event: str, given: tuple[Any, ...]) -> None:
        """Take note of an audit event of those that are looked at; whatever goes wrong in that, the script goes on."""
        if not self.is_open or os.getpid() != self._pid:
            return
        with contextlib.suppress(Exception):
            self._takers[event](*given)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """See the files that ``torch.save`` makes, which C++ opens, for as long as the context lasts."""
        from torch import serialization

        def seen(original: Callable[..., None]) -> Callable[..., None]:
            @functools.wraps(original)
            def init(opener: Any, name: Any, *rest: Any) -> None:
                self.see("os.truncate", (name,))
                original(opener, name, *rest)

            return init

        with replaced(serialization._open_zipfile_writer_file, "__init__", seen):
            yield

    def tell(self) -> None:
        """Put what is new on the tape, with the recorder's lock held."""
        found, further = list(self._found.values()), len(self._further)
        if len(found) > self._told or further > self._told_further:
            self._recorder.writer.set_run(**written.facts(self._told, found[self._told :], further))
            self._told, self._told_further = len(found), further

    def close(self) -> None:
        """Look at nothing any more."""
        self.is_open = False

    # --- one kind of event each ---------------------------------------------------------------------------------------

    def _opened(self, path: Any, mode: Any, flags: int) -> None:
        if flags > 0 and flags & _WRITING:
            absolute = _absolute(path)
            if absolute is not None and not os.path.isdir(absolute):  # there a file without a name is made
                self._add(absolute, "opened")

    def _connected(self, database: Any, *rest: Any) -> None:
        path, options = str(database), ""
        if path.startswith("file:"):
            path, _, options = path.removeprefix("file:").partition("?")
        if path not in {"", ":memory:"} and "mode=memory" not in options and "mode=ro" not in options:
            self._add(path, "database")

    def _renamed(self, source: Any, target: Any, source_folder: int = -1, target_folder: int = -1) -> None:
        self._changed(source, source_folder, "moved")
        self._changed(target, target_folder, "opened")

    def _made(self, path: Any, folder: int) -> None:
        if folder == _AT_NO_FOLDER and (absolute := _absolute(path)) and not os.path.lexists(absolute):
            self._add(absolute, "folder")

    def _changed(self, path: Any, folder: int, deed: Deed) -> None:
        if folder == _AT_NO_FOLDER:  # a name in a folder that is told by a descriptor: the folder is told by itself
            self._add(path, deed)

    def _add(self, given: Any, deed: Deed) -> None:
        path = _absolute(given)
        if path is None or self._is_ours(path) or path.startswith(_NOT_FILES) or _COMPILED in path:
            return
        key = (path, deed)
        if key in self._found or hash(key) in self._further:
            return
        if len(self._found) < written.MOST:
            was_there = self._was_there.setdefault(path, os.path.lexists(path))
            self._found[key] = Write(path, deed, was_there)
        elif len(self._further) < _MOST_COUNTED:
            self._further.add(hash(key))
        self._about_to(path, deed)

    def _is_ours(self, path: str) -> bool:
        return path == self._tape or path.startswith(f"{self._tape}-")


def _absolute(path: Any) -> str | None:
    """Return a path as it is from anywhere; None for a descriptor, and for what only the script's code could tell."""
    if isinstance(path, PurePath):
        path = str(path)
    if type(path) is bytes:
        path = os.fsdecode(path)
    return os.path.abspath(path) if type(path) is str and path and "\0" not in path else None
