"""What the picker shows, as plain data: what can be opened, and where that comes from.

Knows nothing of the screen, so that the command line can make entries without loading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be opened, or a folder to look into."""

    path: str
    """Of a script or tape; of a folder with a slash at its end, as it may be typed."""
    title: str
    """First line of the script's docstring, a file's name, a command ..."""
    about: str = ""
    """A sentence more: the lesson, when it was recorded ..."""
    group: str = "Scenarios"
    """The heading that it stands under."""
    name: str = ""
    """What a scenario is called on the command line; else empty."""
    arguments: tuple[str, ...] = ()
    """What a script is given."""
    cwd: str | None = None
    """The folder that a script is run in; None: the one that gradb was started in."""
    mark: Literal["", "begun", "done"] = ""
    """How far a lesson was gone through."""

    @property
    def is_folder(self) -> bool:
        """True for what is not opened but looked into."""
        return self.path.endswith("/")


class Shelf(Protocol):
    """Where the picker takes things from."""

    @property
    def entries(self) -> Sequence[Entry]:
        """What is offered at once, before anything is typed; entries of one group stand together."""
        ...

    def with_recordings(self) -> Sequence[Entry]:
        """Return that with the recordings, each of which has to be looked into."""
        ...

    @property
    def summary(self) -> str:
        """How many of the lessons are done, in a few words; empty where there are none."""
        ...

    def files(self, text: str) -> Sequence[Entry]:
        """Return the scripts, tapes and folders that a path which is being typed may come to; of an empty text, the
        scripts and tapes of the folder that gradb was started in.
        """
        ...

    def start(self, entry: Entry) -> Debugger:
        """Open a tape, or start a script.

        Raises:
            UserError: it cannot be opened or started.
        """
        ...


def is_path(text: str) -> bool:
    """Tell whether what is typed is a path, and not letters to look for."""
    return "/" in text or text.startswith("~") or text in {".", ".."}


def completed(text: str, entries: Sequence[Entry]) -> str:
    """Return a path that is being typed, typed on as far as all that it may come to agree, as a shell does.

    Large and small letters are the same here, as in the list; what was typed stays as it is where nothing is added.
    """
    paths = [entry.path for entry in entries]
    if len(paths) == 1:
        return paths[0]
    common = list(takewhile(lambda letters: len({*letters}) == 1, zip(*(path.lower() for path in paths), strict=False)))
    return paths[0][: len(common)] if len(common) > len(text) else text
