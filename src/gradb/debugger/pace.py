"""What a running script last said of its progress, and how fast it goes. It knows a clock and numbers, nothing else."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SPAN = 1.5  # seconds over which the rate is taken
_LEAST = 0.25  # seconds of it that there must be


@dataclass(frozen=True, slots=True)
class News:
    """How far a script has got."""

    iteration: int = 0
    """0 before it has said so."""
    loss: float | None = None
    """The newest value that a backward began from."""
    rate: float | None = None
    """Iterations per second of late; None where that is not known yet."""


def speed(rate: float) -> str:
    """Return iterations per second as people read them: ``1,203 it/s``, ``0.42 it/s``."""
    return f"{rate:,.0f} it/s" if rate >= 10 else f"{rate:.2g} it/s"


class Pace:
    """Takes in what a script says and keeps the newest second or so of it."""

    def __init__(self) -> None:
        self.news = News()
        self._said: deque[tuple[float, int]] = deque()

    def take(self, now: float, iteration: int, loss: float | None) -> None:
        """Take in that the script is in an iteration at a time in seconds."""
        self._said.append((now, iteration))
        while now - self._said[0][0] > _SPAN and len(self._said) > 2:
            self._said.popleft()
        self.news = News(iteration, self.news.loss if loss is None else loss, self._rate())

    def rest(self) -> None:
        """Take in that the script stands still: the time until it goes on says nothing of its speed."""
        self._said.clear()
        self.news = News(self.news.iteration, self.news.loss)

    def _rate(self) -> float | None:
        (began, first), (now, last) = self._said[0], self._said[-1]
        return (last - first) / (now - began) if now - began >= _LEAST else None
