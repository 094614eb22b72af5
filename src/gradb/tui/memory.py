"""What the user has made of each size of the terminal, from one run to the next: a small JSON file.

The file is read as a stranger's: what is not as it is written here is not used, nothing of it, and that is said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gradb.tui.layout import COLUMNS, SIZE_CLASSES, Shape, SizeClass

VERSION = 1
_MOST_BYTES = 20_000
_MOST_SHARE = 10_000


class LayoutFile:
    """Remembers the layouts in a file, which need not be there.

    Args:
        path: the file; its folder is made when there is something to remember.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[Mapping[SizeClass, Shape], str]:
        """Return what is remembered, and why nothing is where there is a file that cannot be used."""
        try:
            with self._path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return {}, ""
        except OSError as error:
            return {}, f"the remembered layout cannot be read: {self._path}: {error.strerror}"
        try:
            return parsed(content), ""
        except ValueError as error:
            return {}, f"the remembered layout is not used: {self._path}: {error}"

    def save(self, shapes: Mapping[SizeClass, Shape]) -> str:
        """Write what is to be remembered, at once or not at all; return why that cannot be, else nothing."""
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_bytes(printed(shapes))
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            return f"the layout cannot be remembered: {self._path}: {error.strerror}"
        return ""


def printed(shapes: Mapping[SizeClass, Shape]) -> bytes:
    """Return the content of the file."""
    sizes = {size: _json(shape) for size, shape in shapes.items() if shape != Shape()}
    return json.dumps({"version": VERSION, "sizes": sizes}, indent=1).encode() + b"\n"


def _json(shape: Shape) -> dict[str, object]:
    return {"hidden": sorted(shape.hidden), "widths": shape.widths, "heights": shape.heights}


def parsed(content: bytes) -> dict[SizeClass, Shape]:
    """Return the shapes of a file's content.

    Raises:
        ValueError: it is not as ``printed`` writes it; says what is not.
    """
    if len(content) > _MOST_BYTES:
        raise ValueError("it is too long")
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(whole, dict) or whole.get("version") != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    sizes = whole.get("sizes")
    if not isinstance(sizes, dict) or not set(sizes) <= set(SIZE_CLASSES):
        raise ValueError(f"its sizes are others than {', '.join(SIZE_CLASSES)}")
    return {size: _shape(size, sizes[size]) for size in SIZE_CLASSES if size in sizes}


def _shape(size: SizeClass, found: object) -> Shape:
    columns = COLUMNS[size]
    rest = found if isinstance(found, dict) else {"hidden": None}
    hidden, widths, heights = (rest.get(key, []) for key in ("hidden", "widths", "heights"))
    places = {place for column in columns for place in column}
    if not isinstance(hidden, list) or not all(isinstance(name, str) for name in hidden):
        raise ValueError(f"what {size} hides is no list of names")
    if not set(hidden) < places:
        raise ValueError(f"{size} hides what it has not, or everything")
    if not isinstance(heights, list) or len(heights) not in {0, len(columns)}:
        raise ValueError(f"the heights of {size} are not those of {len(columns)} columns")
    rows = (_shares(f"heights of {size}", each, len(column)) for each, column in zip(heights, columns, strict=False))
    return Shape(frozenset(hidden), _shares(f"widths of {size}", widths, len(columns)), tuple(rows))


def _shares(what: str, found: object, count: int) -> tuple[int, ...]:
    """Return so many whole numbers, or none."""
    if not isinstance(found, list) or len(found) not in {0, count}:
        raise ValueError(f"the {what} are not {count}")
    if not all(type(share) is int and 1 <= share <= _MOST_SHARE for share in found):
        raise ValueError(f"the {what} are not whole numbers from 1 to {_MOST_SHARE}")
    return tuple(found)
