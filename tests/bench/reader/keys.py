"""The keys that are timed: each a statement, as the key or the `:` prompt gives it to the debugger."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Times:
    """A moment, or how long something took, by two clocks."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds that this process had a processor: the same on a busy machine."""

    @classmethod
    def now(cls) -> Self:
        """Return the present moment."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, earlier: Times) -> Times:
        """Return what has passed since a moment."""
        return Times(self.wall - earlier.wall, self.cpu - earlier.cpu)


@dataclass(frozen=True, slots=True)
class Key:
    """One movement."""

    name: str
    statement: str
    """What is run; ``{anywhere}`` is a random position."""
    key: str = ""
    """As Textual names it; empty for what is typed."""
    closed_by: str = ""
    """The key that closes what this one opens over the panes."""


KEYS = (
    Key("goto N", "goto {anywhere}"),
    Key("iteration", "iteration", "i"),
    Key("iteration back", "iteration-back", "I"),
    Key("line", "line", "n"),
    Key("line back", "line-back", "N"),
    Key("phase", "phase", "p"),
    Key("phase back", "phase-back", "P"),
    Key("step", "step", "space"),
    Key("back", "back", "backspace"),
    Key("event", "event", "full_stop"),
    Key("event back", "event-back", "comma"),
    Key("search: a node", "until node Add"),
    Key("search: none there", "until-back node NothingBackward0"),
    Key("search: a line", "until line 58"),
    Key("continue", "continue", "c"),
    Key("end", "head", "end"),
    Key("home", "start", "home"),
    Key("fold", "fold", "O"),
    Key("norms", "norms", "r"),
    Key("norms, and a step", "norms; step"),
    Key("sort the .grad", "sort", "t"),
    Key("filter the .grad", "filter weight"),
)
"""Those that change what is shown from then on are the last."""

SCREEN_KEYS = (
    Key("help", "help", "question_mark", "escape"),
    Key("prompt", "prompt", "colon", "escape"),
    Key("jump", "jump", "m"),
    Key("find in the graph", "find add", closed_by="escape"),
)
"""About the screen alone: without one they do nothing."""

LIVE_KEYS = (
    Key("step at the head", "step", "space"),
    Key("event at the head", "event", "full_stop"),
    Key("back from the head", "back", "backspace"),
)
"""Of a script that lives: two let it run on, one leaves where it stands."""


def turns(keys: tuple[Key, ...], head: int, repeat: int, seed: int) -> Iterator[tuple[Key, int, str]]:
    """Yield (key, where it is pressed, its statement): each so many times, one after the other, at any place."""
    chance = random.Random(seed)
    for key in keys:
        for _ in range(repeat):
            yield key, chance.randint(1, head), key.statement.format(anywhere=chance.randint(1, head))
