"""Checkpoints that wait for nothing, and a line over which a test has them come."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradb.link.checkpoints import NotStarted, Said
from gradb.link.launch import Debuggee
from gradb.link.spec import RunSpec


@dataclass(eq=False)
class FakeWaiting:
    """A checkpoint at the beginning of an iteration; its process has the number of that iteration."""

    iteration: int
    head: int = 0
    number: int = 0
    price: float = 0.02
    copied: float = 0.0
    is_gone: bool = False
    is_used: bool = False
    started: list[RunSpec] = field(default_factory=list)
    """What was ordered of it."""

    def __post_init__(self) -> None:
        self.number = self.number or self.iteration
        self.head = self.head or self.iteration * 10

    @property
    def pid(self) -> int:
        """Its process."""
        return self.iteration

    def lay_out(self, tape: str) -> tuple[int, int]:
        """Make nothing."""
        raise FileNotFoundError(2, "there is none", tape)

    def start(self, spec: RunSpec) -> Debuggee:
        """Keep the order, and refuse it."""
        self.started.append(spec)
        raise NotStarted("it is a fake")

    def close(self) -> None:
        """Take note of it."""
        self.is_gone = True


@dataclass
class FakeLine:
    """A line that says what it is given."""

    coming: list[FakeWaiting | Said] = field(default_factory=list)
    is_closed: bool = False
    is_over: bool = False

    def take(self) -> list[FakeWaiting | Said]:
        """Return what is to be said."""
        coming, self.coming = self.coming, []
        return coming

    def close(self) -> None:
        """Take note of it."""
        self.is_closed = True
