"""Where in the source an event happened, and what the source calls the tensors there.

A place is found from a running frame by its code object and instruction offset, resolved once to line and columns and
matched with the syntax tree. Names come from syntax alone (``c = b + 5`` calls the result ``c`` and the first operand
``b``): no frame's locals are ever read, since on Python before 3.13 that would keep the values alive.

Knows nothing of torch beyond the folder it lives in.
"""

from __future__ import annotations

import itertools
import os
import sys
import sysconfig
import threading
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from gradb.tracer import PACKAGE
from gradb.tracer.source.raising import is_raised
from gradb.tracer.source.syntax import NAMELESS, Index, Names, Span, index

PlaceRow = tuple[int | None, int | None, int | None, int | None, int | None]


class Inside(tuple[int | None, int | None, int | None, int | None, int | None]):  # noqa: SLOT001 - a tuple has none
    """The place of the script's call into a library, at which something happened in that library."""

    library: tuple[int, int]
    """Source id and line where the library did it."""


# Files of torch whose frames may stand between the user's call and the torch function it names, one call deep.
_THIN = frozenset(
    {"_tensor.py", "functional.py", "nn/functional.py", "overrides.py", "_jit_internal.py"}
    | {"autograd/__init__.py", "autograd/function.py"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A source position, resolved."""

    file: str
    row: PlaceRow
    """(source id, line, end line, column, end column) as the tape wants it."""
    names: Names
    _found: dict[int, Found] = field(default_factory=dict, compare=False, repr=False)

    def found(self, is_direct: bool, is_optimizer: bool, is_module_call: bool, is_librarys: bool = False) -> Found:
        """Return what a walk met that ended here; made once for each combination."""
        key = is_direct | is_optimizer << 1 | is_module_call << 2 | is_librarys << 3
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = Found(self, is_direct, is_optimizer, is_module_call, is_librarys)
        return known


NOWHERE = Place("", (None, None, None, None, None), NAMELESS)


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk up the stack met."""

    place: Place
    is_direct: bool
    """True when the user's own expression is the torch call itself, so that its names are those of the call's
    tensors."""
    is_optimizer: bool
    """True when the call comes from inside torch.optim."""
    is_module_call: bool = False
    """True when nothing but one call of an nn.Module lies between the user's frame and the caller."""
    is_librarys: bool = False
    """True when a library's own expression is the torch call itself."""


class ModuleCall(NamedTuple):
    """A call of an nn.Module that is running, so that a walk from inside it need not go on beyond it."""

    frame: int
    """``id`` of the frame of ``_wrapped_call_impl``: Python keeps a frame object as long as the frame runs."""
    found: Found
    """What a walk met that began there."""


class Places:
    """Finds and remembers places.

    Args:
        register: takes (path, text or None) and returns the tape's source id.
    """

    def __init__(self, register: Callable[[str, str | None], int], missing: Callable[[str, Exception], object]) -> None:
        self._missing = missing
        self._register = register
        self._torch = "\0"
        self._kinds: dict[str, int] = {}
        self._codes: dict[int, tuple[CodeType, dict[int, Place]]] = {}
        self._files: dict[str, _File] = {}
        self._libraries: dict[tuple[PlaceRow, str, int], Place] = {}

    def parts(self) -> dict[str, Any]:
        """Return what the accelerator looks up that was found before."""
        return {"place_kinds": self._kinds, "place_codes": self._codes, "place_libraries": self._libraries}

    def learn_torch(self, folder: str) -> None:
        """Say where torch lives, once it is imported."""
        self._torch = folder + os.sep
        self._kinds.clear()

    def find(self, frame: FrameType | None, within: ModuleCall | None = None) -> Found:
        """Walk up from ``frame`` to the nearest frame outside of torch, gradb and the import machinery.

        ``within`` is the innermost call of a module that the walk is sure to reach, if it is known.
        """
        is_direct, is_optimizer, is_deep, calls = True, False, False, 0
        library, is_librarys, is_closure = None, False, False
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            kind = kinds.get(code.co_filename)
            if kind is None:
                kind = self._classify(code.co_filename)
            if kind == _USER:
                place = self._place(code, frame.f_lasti)
                if library is not None:
                    place = self._inside(place, library)
                return place.found(is_direct, is_optimizer, calls == 1 and not is_deep, is_librarys)
            if kind == _MODULE:
                is_direct = False
                if code.co_name == "_wrapped_call_impl":
                    calls += 1
                    if within is not None and within.frame == id(frame):
                        outer = within.found
                        place = outer.place if library is None else self._inside(outer.place, library)
                        return place.found(False, is_optimizer or outer.is_optimizer, False, is_librarys)
            elif kind != _TRANSPARENT:
                if kind == _LIBRARY and library is None:
                    library, is_librarys = frame, is_direct
                is_direct, is_deep = False, True
                if kind == _OPTIM:
                    is_closure |= library is not None and not code.co_filename.endswith(_AROUND_STEPS)
                    is_optimizer |= not is_closure
            frame = frame.f_back
        if library is not None:  # nothing of the script's is below: a thread that the library has begun
            return self._place(library.f_code, library.f_lasti).found(False, is_optimizer, False, is_librarys)
        return NOWHERE.found(False, is_optimizer, False)

    def frame(self, frame: FrameType | None) -> FrameType | None:
        """Return the frame whose place ``find`` returns, or None where there is none.

        On the main thread that of a library counts only above the script: below it there may be what runs gradb.
        """
        library: FrameType | None = None
        while frame is not None:
            kind = self._kinds.get(frame.f_code.co_filename)
            if kind is None:
                kind = self._classify(frame.f_code.co_filename)
            if kind == _USER:
                return frame
            if kind == _LIBRARY and library is None:
                library = frame
            frame = frame.f_back
        return library if threading.get_ident() != threading.main_thread().ident else None

    def find_call(self, frame: FrameType | None, within: ModuleCall | None) -> ModuleCall:
        """Find the place of the nearest call of a module above; ``within`` is the call that it is made in."""
        start, found = frame, self.find(frame, within)
        while start is not None:
            if start.f_code.co_name == "_wrapped_call_impl" and self._kinds.get(start.f_code.co_filename) == _MODULE:
                return ModuleCall(id(start), found)
            start = start.f_back
        return ModuleCall(0, found)

    def of_code(self, code: CodeType) -> PlaceRow:
        """Return the place of a function's first line where it is the user's."""
        if self._classify(code.co_filename) not in {_USER, _LIBRARY}:
            return NOWHERE.row
        file = self._place(code, 0).row[0]
        return file, code.co_firstlineno, code.co_firstlineno, None, None

    def of_traceback(self, traceback: TracebackType | None) -> PlaceRow:
        """Return the place of the innermost frame that is the user's, and with it that of a library further in."""
        place, library = NOWHERE, None
        while traceback is not None:
            code = traceback.tb_frame.f_code
            kind = self._classify(code.co_filename)
            if kind == _USER:
                place, library = self._place(code, traceback.tb_lasti), None
            elif kind == _LIBRARY:
                library = traceback
            traceback = traceback.tb_next
        if library is None:
            return place.row
        if place is NOWHERE:
            return self._place(library.tb_frame.f_code, library.tb_lasti).row
        return self._within(place, library.tb_frame.f_code, library.tb_lasti).row

    def is_raised(self, error: BaseException) -> bool:
        """Tell whether a ``raise`` made an exception that is not torch's."""
        return is_raised(error, self._torch)

    def is_users(self, filename: str) -> bool:
        """Tell whether a file is the script's own."""
        kind = self._kinds.get(filename)
        return (self._classify(filename) if kind is None else kind) == _USER

    def is_passing(self, filename: str) -> Callable[[str], bool]:
        """Return what tells whether a variable of a file is that of a loop, and so one thing after another."""
        return self._file(filename).passing.__contains__

    def _classify(self, filename: str) -> int:
        kind = _USER
        if filename.startswith((PACKAGE, "<frozen ")):
            kind = _TRANSPARENT
        elif filename.startswith(self._torch):
            rest = filename[len(self._torch) :].replace(os.sep, "/")
            kind = _KINDS.get(rest, _OPTIM if rest.startswith("optim/") else _DEEP)
        elif filename in _STDLIB_GLUE:
            kind = _DEEP
        elif _is_library(filename) and not _is_beside_main(filename):
            kind = _LIBRARY
        self._kinds[filename] = kind
        return kind

    def _inside(self, place: Place, library: FrameType) -> Place:
        return self._within(place, library.f_code, library.f_lasti)

    def _within(self, place: Place, code: CodeType, lasti: int) -> Place:
        """Return a place of the script's with that of the library beside it; its names are none of the library's."""
        line = _position(code, lasti)[0] or code.co_firstlineno
        key = (place.row, code.co_filename, line)
        known = self._libraries.get(key)
        if known is None:
            row = Inside(place.row)
            row.library = (self._register(code.co_filename, None), line)
            known = self._libraries[key] = Place(place.file, row, NAMELESS)
        return known

    def _place(self, code: CodeType, lasti: int) -> Place:
        known = self._codes.get(id(code))
        if known is None:
            if len(self._codes) >= _MAX_CODES:  # a script that compiles code in a loop
                self._codes.clear()
            known = self._codes[id(code)] = (code, {})  # holding the code object keeps its id its own
        place = known[1].get(lasti)
        if place is None:
            place = known[1][lasti] = self._resolve(code, lasti)
        return place

    def _resolve(self, code: CodeType, lasti: int) -> Place:
        filename = code.co_filename
        file = self._file(filename)
        line, end_line, column, end_column = _position(code, lasti)
        row = (file.id, line, end_line, column, end_column)
        if line is None or end_line is None or column is None or end_column is None:
            return Place(filename, row, NAMELESS)
        return Place(filename, row, file.names((line, column, end_line, end_column)))

    def _file(self, filename: str) -> _File:
        file = self._files.get(filename)
        if file is None:
            text = read_source(filename)
            file = self._files[filename] = _File(self._register(filename, text), text, self._missing)
        return file


_MAX_CODES = 10_000
_USER, _DEEP, _OPTIM, _TRANSPARENT, _MODULE, _LIBRARY = range(6)
_AROUND_STEPS = "/optim/optimizer.py"
"""What runs around the step of every optimizer, a library's too; a library below other code there is a closure."""
_KINDS = dict.fromkeys(_THIN, _TRANSPARENT) | {"nn/modules/module.py": _MODULE}
_STDLIB_GLUE = {
    module.__file__
    for name in ("functools", "contextlib", "threading", "runpy", "copy", "abc")
    if (module := sys.modules.get(name)) is not None and module.__file__
}


_LIBRARY_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STDLIB = tuple({path + os.sep for name, path in sysconfig.get_paths().items() if name in {"stdlib", "platstdlib"}})


def _is_library(filename: str) -> bool:
    """Tell whether a file is the standard library's or installed."""
    return filename.startswith(_STDLIB) or any(folder in filename for folder in _LIBRARY_FOLDERS)


def _is_beside_main(filename: str) -> bool:
    """Tell whether a file lies in the folder of the script: ``-m package`` may be installed, and is the script then."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return isinstance(main, str) and filename.startswith(os.path.dirname(os.path.abspath(main)) + os.sep)


def _position(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    positions = next(itertools.islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    return positions[0], positions[1], positions[2], positions[3]


def read_source(path: str) -> str | None:
    """Return the text of a Python file, decoded as Python would, or None where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return None


class _File:
    """One source file and the expressions in it that have names around them."""

    def __init__(self, id: int, text: str | None, missing: Callable[[str, Exception], object]) -> None:
        self.id = id
        self._missing = missing
        self._text = text
        self._known: Index | None = None

    def names(self, span: Span) -> Names:
        """Return the names around the expression that stands at a position."""
        return self._index().spans.get(span, NAMELESS)

    @property
    def passing(self) -> frozenset[str]:
        """The variables of its loops and comprehensions."""
        return self._index().passing

    def _index(self) -> Index:
        if self._known is None:
            try:
                self._known = index(self._text or "")
            except Exception as error:  # Python's parser cannot be called from inside of itself
                self._missing("names", error)
                return Index({}, frozenset())
            self._text = None
        return self._known
