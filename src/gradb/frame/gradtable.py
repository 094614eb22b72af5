"""Which .grad buffers are listed and in what order: sorted by a column, filtered by words, some folded away.

Pure functions of the buffers of a Frame; how a row looks is not known here. What is not known sorts last, in either
direction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.sizes import largest_of, norm_of

Kind = Literal["gone", "frozen"]
KINDS: tuple[Kind, ...] = ("gone", "frozen")
"""Leaves that are folded under one line each."""
_Key = Callable[[GradBuffer], float | list[tuple[int, str]] | None]
_DIGITS = re.compile(r"(\d+)")
_SHOWN_DIGITS = 18  # of a number in a name


def gradient_norm(buffer: GradBuffer) -> float | None:
    """Return the 2-norm of the gradient; None where there is none, or it is not known."""
    return norm_of(buffer.after)


def parameter_norm(buffer: GradBuffer) -> float | None:
    """Return the 2-norm of the leaf itself; None where it is not known."""
    return norm_of(buffer.leaf) if buffer.leaf_norm is None else buffer.leaf_norm


def ratio(buffer: GradBuffer) -> float | None:
    """Return the norm of the gradient by that of the leaf; None where one is not known, or the leaf is zero."""
    gradient, parameter = gradient_norm(buffer), parameter_norm(buffer)
    return None if gradient is None or not parameter else gradient / parameter


def largest(buffer: GradBuffer) -> float | None:
    """Return the largest magnitude of an element of the gradient; None where there is none, or it is not known."""
    return largest_of(buffer.after)


def state_words(buffer: GradBuffer) -> str:
    """Return what there is to say of a buffer: ``never had a gradient``, ``stale since iteration 3``, ``gone`` ..."""
    words = []
    if buffer.is_stale:
        words.append(f"stale since iteration {buffer.since}" if buffer.fills > 0 else "stale")
    if buffer.is_never:
        words.append("never had a gradient")
    if kind := kind_of(buffer):
        words.append(kind)
    return ", ".join(words)


def kind_of(buffer: GradBuffer) -> Kind | None:
    """Return under which line a buffer is folded; None: it has a row of its own."""
    return "gone" if buffer.is_gone else "frozen" if buffer.is_frozen else None


# --- sorting ----------------------------------------------------------------------------------------------------------


def _natural(buffer: GradBuffer) -> list[tuple[int, str]]:
    """Return a name so that layer 10 comes after layer 2."""
    parts = _DIGITS.split(buffer.name.casefold())
    return [(int(part[-_SHOWN_DIGITS:]), "") if index % 2 else (-1, part) for index, part in enumerate(parts) if part]


def _elements(buffer: GradBuffer) -> float | None:
    value = buffer.leaf or buffer.after
    return None if value is None else value.numel


_KEYS: dict[str, _Key] = {
    "name": _natural,
    "shape": _elements,
    "before": lambda buffer: norm_of(buffer.before),
    "added": lambda buffer: norm_of(buffer.added),
    "after": gradient_norm,
    "norm": gradient_norm,
    "parameter": parameter_norm,
    "ratio": ratio,
    "largest": largest,
}
SCRIPT = "script"
COLUMNS = (SCRIPT, *_KEYS)
"""What can be sorted by; ``script``: the order in which the leaves appeared."""
ROUND = (SCRIPT, "norm", "largest", "ratio", "parameter", "shape", "name")
"""What a key goes round."""


def order_words(column: str, *, is_reversed: bool) -> str:
    """Return how the rows are ordered: ``by norm, smallest first``; empty where it is the script's own order."""
    if column == SCRIPT:
        return "last first" if is_reversed else ""
    ends = ("from A", "from Z") if column == "name" else ("largest first", "smallest first")
    return f"by {column}, {ends[is_reversed]}"


def ordered(buffers: Iterable[GradBuffer], column: str, *, is_reversed: bool) -> list[GradBuffer]:
    """Return buffers by a column: numbers with the largest first, names from A; what has none comes last."""
    if column == SCRIPT:
        return list(buffers)[:: -1 if is_reversed else 1]
    key, is_falling = _KEYS[column], (column != "name") != is_reversed
    found = [(key(buffer), buffer) for buffer in buffers]
    known = [(_placed(value), buffer) for value, buffer in found if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=is_falling)
    return [buffer for _, buffer in known] + [buffer for value, buffer in found if value is None]


def _placed(value: float | list[tuple[int, str]]) -> tuple[bool, float] | list[tuple[int, str]]:
    """Return a number with NaN beyond infinity: it is what one looks for first."""
    return value if isinstance(value, list) else (math.isnan(value), 0.0 if math.isnan(value) else value)


# --- filtering and folding --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fold:
    """The line under which the leaves of a kind are folded."""

    kind: Kind
    count: int
    is_open: bool


Item = GradBuffer | Fold


@dataclass(frozen=True, slots=True)
class GradTable:
    """What is listed, in order."""

    items: tuple[Item, ...]
    found: int
    """Buffers that match the words, those that are folded included."""
    count: int
    """All buffers."""

    @property
    def current(self) -> int:
        """Index of the item that the event is about; 0 without one."""
        return next((at for at, one in enumerate(self.items) if isinstance(one, GradBuffer) and one.is_current), 0)

    @property
    def buffers(self) -> tuple[GradBuffer, ...]:
        """Those with a row."""
        return tuple(one for one in self.items if isinstance(one, GradBuffer))


def arranged(
    buffers: Iterable[GradBuffer], column: str, words: str, unfolded: frozenset[str], *, is_reversed: bool = False
) -> GradTable:
    """Return what is listed of some buffers.

    Args:
        buffers: in the order in which their leaves appeared.
        column: one of ``COLUMNS``.
        words: each must be a part of a buffer's name or of what is said of it; empty lists all.
        unfolded: the kinds that are not folded.
        is_reversed: the other direction.
    """
    everything = tuple(buffers)
    found = matching(everything, words)
    rows = ordered(found, column, is_reversed=is_reversed)
    items: list[Item] = [buffer for buffer in rows if _is_listed(buffer)]
    for kind in KINDS:
        members = [buffer for buffer in rows if not _is_listed(buffer) and kind_of(buffer) == kind]
        if members:
            items.append(Fold(kind, len(members), kind in unfolded))
            items += members if kind in unfolded else ()
    return GradTable(tuple(items), len(found), len(everything))


def _is_listed(buffer: GradBuffer) -> bool:
    """Tell whether a buffer has a row: what is gone or frozen has one while an event is about it."""
    return buffer.is_current or kind_of(buffer) is None


def matching(buffers: tuple[GradBuffer, ...], words: str) -> tuple[GradBuffer, ...]:
    """Return the buffers of which each of some words is a part of the name, or of what is said of them."""
    wanted = words.casefold().split()
    return tuple(one for one in buffers if _matches(one, wanted)) if wanted else buffers


def _matches(buffer: GradBuffer, wanted: list[str]) -> bool:
    name = f"{buffer.name}.grad".casefold()
    if all(word in name for word in wanted):
        return True
    size = gradient_norm(buffer)
    odd = "" if size is None or math.isfinite(size) else "nan" if math.isnan(size) else "inf"
    text = f"{name} {state_words(buffer)} {odd}".casefold()
    return all(word in text for word in wanted)
