"""The wire form of what a tape tells, in parts: JSON for structure, one blob for the bytes of the values.

What is below the kinds of events: the tracer collects bytes in a ``Blob`` and makes JSON with ``dumps``; the readers
here check every size, since a tape may come from anywhere. In the docstrings of ``kinds``, ``T`` is a tensor (see
``kinds.tensor``), ``null`` is allowed where the dataclass says None, and ``V`` is a value::

    V      [shape, dtype, offset or null, stats or null, note]
    stats  [min, max, mean, norm, nan, posinf, neginf, offset, count, first or null]

where the corner is ``count`` elements at ``offset``, and ``first`` the index of the first that is not finite. Before
version 9 there was no ``norm``, and ``first`` only where one is not finite.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from gradb.tape.values import Stats, TensorValue, decode as decode_numbers, element_size

Wire = list[Any]

_MAX_RANK = 64
_STATS = 10
"""How long statistics are that have a norm; before version 9 they were shorter."""


class WireError(ValueError):
    """Something that does not follow the wire form."""


# --- for the writers --------------------------------------------------------------------------------------------------


class Blob:
    """Collects the bytes of the values of one event."""

    __slots__ = ("odd", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.odd = 0
        """For the tracer: what is odd about these values: ``NAN``, ``INFINITY`` and ``UNREAD`` of ``oddity``."""

    def add(self, data: bytes) -> int:
        """Append ``data`` and return its offset."""
        offset = self.size
        self.parts.append(data)
        self.size += len(data)
        return offset

    def join(self) -> bytes | None:
        """Return all bytes, or None when there are none."""
        return b"".join(self.parts) if self.parts else None


def _make_dumps() -> Callable[[Any], str]:
    """Return ``json.dumps`` without blanks; the C encoder is made once, where there is one, not at every call."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(separators=(",", ":")).encode
    quote = json.encoder.encode_basestring_ascii
    encode = make(None, json.JSONEncoder().default, quote, None, ":", ",", False, False, True)
    return lambda wire: quote(wire) if type(wire) is str else "".join(encode(wire, 0))


dumps = _make_dumps()
"""Return the JSON text of a wire form, or of a part of one."""


# --- V, and what else is part of several kinds ------------------------------------------------------------------------


def write_form(shape: Sequence[int], dtype: str) -> str:
    """Return how ``V`` begins, which is the same for all values of a shape and dtype."""
    return f'[[{",".join(map(str, shape))}],"{dtype}",'


def write_whole(form: str, offset: int) -> str:
    """Return ``V`` of a value whose elements lie at an offset of the event's data."""
    return f'{form}{offset},null,""]'


def write_summary(form: str, stats: str) -> str:
    """Return ``V`` of a value of which only statistics are kept: see ``write_stats``."""
    return f'{form}null,{stats},""]'


def write_stats(numbers: str, offset: int, count: int, first: int | None) -> str:
    """Return statistics.

    Args:
        numbers: the text of minimum, maximum, mean, 2-norm, and the counts of nan, inf and -inf.
        offset: of the first few elements in the event's data.
        count: of these.
        first: flat index of the first element that is not finite, if any.
    """
    return f"[{numbers},{offset},{count},{'null' if first is None else first}]"


def write_unkept(shape: Sequence[int], dtype: str, note: str) -> str:
    """Return ``V`` of a value of which no numbers are kept; the note says why."""
    return dumps([list(shape), dtype, None, None, note])


def with_note(value: str, note: str) -> str:
    """Return a ``V`` that had no note, with one."""
    return f"{value[:-3]}{dumps(note)}]"


def write_pair(keyword: str, text: str) -> str:
    """Return an argument: its keyword, empty where it has none, and its text."""
    return dumps([keyword, text])


def write_unnamed(text: str) -> str:
    """Return an argument without a keyword whose text needs no escapes."""
    return f'["","{text}"]'


# --- for the readers --------------------------------------------------------------------------------------------------


def extract(data: bytes, offset: Any, length: int) -> bytes:
    """Return a part of an event's blob."""
    if not isinstance(offset, int) or offset < 0 or length < 0 or offset + length > len(data):
        raise WireError("a value lies outside of its event's data")
    return data[offset : offset + length]


def size_of(dtype: Any) -> int:
    """Return the bytes of one element."""
    size = element_size(dtype)
    if size is None:
        raise WireError(f"values of dtype {dtype!r} cannot be decoded")
    return size


def read_shape(raw: Any) -> tuple[int, ...]:
    """Read a list of sizes."""
    if len(raw) > _MAX_RANK or not all(isinstance(n, int) and n >= 0 for n in raw):
        raise WireError("a shape is not a list of sizes")
    return tuple(raw)


def read_value(raw: Any, data: bytes) -> TensorValue | None:
    """Read ``V`` or null."""
    if raw is None:
        return None
    raw_shape, dtype, offset, stats, note = raw
    shape = read_shape(raw_shape)
    content = None if offset is None else extract(data, offset, size_of(dtype) * math.prod(shape))
    kept = None if stats is None else _read_stats(stats, data)
    return TensorValue(shape, str(dtype), content, kept, str(note))


def read_values(raw: Any, data: bytes) -> tuple[TensorValue | None, ...]:
    """Read ``[V or null...]``."""
    return tuple(read_value(item, data) for item in raw)


def _read_stats(raw: Any, data: bytes) -> Stats:
    minimum, maximum, mean, *rest = raw
    norm = number(rest.pop(0)) if len(raw) == _STATS else None
    nan, posinf, neginf, offset, count, *first = rest
    corner = tuple(decode_numbers(extract(data, offset, 8 * count), "float64"))
    bounds = number(minimum), number(maximum), number(mean)
    return Stats(*bounds, int(nan), int(posinf), int(neginf), corner, read_last(first), norm)


def read_last(rest: Any) -> int | None:
    """Read a number that may be left out at the end."""
    if len(rest) > 1:
        raise WireError("there is more than belongs to an event")
    return integer(rest[0]) if rest else None


def read_pairs(raw: Any) -> tuple[tuple[str, str], ...]:
    """Read ``[[keyword, text]...]``."""
    return tuple((str(keyword), str(text)) for keyword, text in raw)


def number(raw: Any) -> float | None:
    """Read a number or null."""
    return None if raw is None else float(raw)


def integer(raw: Any) -> int | None:
    """Read a whole number or null."""
    return None if raw is None else int(raw)


def integers(raw: Any) -> tuple[int, ...]:
    """Read a list of whole numbers."""
    return tuple(int(item) for item in raw)


def text(raw: Any) -> str | None:
    """Read text or null."""
    return None if raw is None else str(raw)
