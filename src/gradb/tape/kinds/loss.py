"""A backward was run while only watching: the value it began from, and no more, ``[[name, value]...]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class LossDetail:
    """A backward was run while only watching."""

    roots: tuple[tuple[str, float], ...]
    """Name and value of each scalar it began from."""


def write(*, roots: list[tuple[str, float]]) -> str:
    """Return the wire form."""
    return dumps(roots)


def write_one(*, name: str, value: float) -> str:
    """Return the wire form of one root; ``name``: as JSON, ``value``: finite, whose repr is its JSON."""
    return f"[[{name},{value!r}]]"


def read(raw: Wire, data: bytes) -> LossDetail:
    """Read the wire form."""
    return LossDetail(tuple((str(name), float(value)) for name, value in raw))


SPEC = Spec(read, phase="backward", is_stop=True)
