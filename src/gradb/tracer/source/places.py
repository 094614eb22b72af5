"""Where in the source an event happened, and what the source calls the tensors there.

A place is found from a running frame by its code object and instruction offset, resolved once to line and columns and
matched with the syntax tree. Names come from syntax alone (``c = b + 5`` calls the result ``c`` and the first operand
``b``): no frame's locals are ever read, since on Python before 3.13 that would keep the values alive.

Knows nothing of torch beyond the folder it lives in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from gradb.log.pen import Spot
from gradb.tracer.native.loading import standing
from gradb.tracer.source.files import SourceFile, position_of, read_source
from gradb.tracer.source.kinds import AROUND_STEPS, LIBRARY, MODULE, OPTIM, TRANSPARENT, USER, Kinds
from gradb.tracer.source.raising import is_raised
from gradb.tracer.source.stacks import Call, Register, Stack, Stacks
from gradb.tracer.source.syntax import NAMELESS, Names
from gradb.tracer.source.walks import MOST_FRAMES, Walks

PlaceRow = tuple[int | None, int | None, int | None, int | None, int | None]


class Sited(tuple[int | None, int | None, int | None, int | None, int | None]):  # noqa: SLOT001 - a tuple has none
    """A place of the script's, and what is beside it: where in a library it led to, and the calls that lead there."""

    spot: Spot
    """What it is written as."""


@dataclass(frozen=True, slots=True)
class Place:
    """A source position, resolved."""

    file: str
    row: PlaceRow
    """(source id, line, end line, column, end column) as the tape wants it."""
    names: Names
    stack: Stack | None = field(default=None, compare=False)
    """The call that it lies in, and those around it; None where that is not known."""
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
        missing: is told what could not be found out, and why.
        keep: keeps a call of a function of the script's on the tape.
    """

    def __init__(
        self,
        register: Callable[[str, str | None], int],
        missing: Callable[[str, Exception], object],
        keep: Register,
    ) -> None:
        self._missing = missing
        self._register = register
        self._kinds = Kinds()
        self._codes: dict[int, tuple[CodeType, dict[int, Place]]] = {}
        self._files: dict[str, SourceFile] = {}
        self._sited: dict[tuple[PlaceRow, tuple[int, int] | None, int], Place] = {}
        self._stacks = Stacks(keep)
        self._walks = Walks[Found]()
        module = standing().module
        self._quick: Callable[..., Found | None] | None = None if module is None else module.known_place
        """Looks up in C what walks have found."""

    def parts(self) -> dict[str, Any]:
        """Return what the accelerator looks up that was found before."""
        return {"place_kinds": self._kinds.known, "place_walks": self._walks.known, "place_end": self._walks.end}

    def learn_torch(self, folder: str) -> None:
        """Say where torch lives, once it is imported."""
        self._kinds.learn_torch(folder)
        self._walks.known.clear()

    def end_at(self, code: CodeType) -> None:
        """Say which code of ours runs the script: what is below it on the stack is none of the script's."""
        self._walks.end[:] = [code]

    def find(self, frame: FrameType | None, within: ModuleCall | None = None) -> Found:
        """Walk up from ``frame`` to the nearest frame outside of torch, gradb and the import machinery.

        ``within`` is the innermost call of a module that the walk is sure to reach, if it is known.
        """
        if self._quick is not None and frame is not None:
            walked = self._quick(self._kinds.known, self._walks.known, self._walks.end, frame, within)
            if walked is not None:
                return walked
        while frame is not None and self._kinds.of(frame.f_code) == TRANSPARENT:
            frame = frame.f_back
        outer, last = (None, 0) if within is None else (within.found, within.frame)
        walk = self._walks.walk(frame, outer, last)
        known = self._walks.known.get(walk.key)
        if known is not None and not walk.is_cut:
            return known[0]
        found = self._look(frame, within)
        stack = self._stack(frame, within)
        if stack is not None and stack.row == found.place.row:
            found = self._with_stack(found, stack)
        if not walk.is_cut:
            self._walks.keep(walk, found, frame, outer)
        return found

    def _with_stack(self, found: Found, stack: Stack) -> Found:
        place = found.place
        library = place.row.spot.library if isinstance(place.row, Sited) else None
        sited = self._sited_at(place, place.names, library, stack)
        return sited.found(found.is_direct, found.is_optimizer, found.is_module_call, found.is_librarys)

    def _stack(self, frame: FrameType | None, within: ModuleCall | None) -> Stack | None:
        """Return the calls of the script's functions that a walk meets, and those around the module call it ends at."""
        calls, packages, kinds = list[Call](), list[str](), self._kinds
        for _ in range(MOST_FRAMES):
            if frame is None or frame.f_code in self._walks.end:
                return self._stacks.of(calls, None)
            code = frame.f_code
            if kinds.of(code) == USER:
                calls.append(Call(self._place(code, frame.f_lasti).row, code.co_qualname, tuple(packages)))
                packages = []
            elif package := kinds.package(code.co_filename):
                packages.append(package)
            if within is not None and within.frame == id(frame):
                return self._stacks.around(calls, within.found.place.stack, tuple(packages))
            frame = frame.f_back
        return self._stacks.of(calls, None, is_cut=True)

    def _look(self, frame: FrameType | None, within: ModuleCall | None) -> Found:
        """Find what ``find`` does, frame by frame, but for the calls that lead there."""
        is_direct, is_optimizer, is_deep, calls = True, False, False, 0
        library, is_librarys, is_closure = None, False, False
        while frame is not None:
            code = frame.f_code
            kind = self._kinds.of(code)
            if kind == USER:
                place = self._place(code, frame.f_lasti)
                if library is not None:
                    place = self._inside(place, library)
                return place.found(is_direct, is_optimizer, calls == 1 and not is_deep, is_librarys)
            if kind == MODULE:
                is_direct = False
                if code.co_name == "_wrapped_call_impl":
                    calls += 1
                    if within is not None and within.frame == id(frame):
                        outer = within.found
                        place = outer.place if library is None else self._inside(outer.place, library)
                        return place.found(False, is_optimizer or outer.is_optimizer, False, is_librarys)
            elif kind != TRANSPARENT:
                if kind == LIBRARY and library is None:
                    library, is_librarys = frame, is_direct
                is_direct, is_deep = False, True
                if kind == OPTIM:
                    is_closure |= library is not None and not code.co_filename.endswith(AROUND_STEPS)
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
            kind = self._kinds.of(frame.f_code)
            if kind == USER:
                return frame
            if kind == LIBRARY and library is None:
                library = frame
            frame = frame.f_back
        return library if threading.get_ident() != threading.main_thread().ident else None

    def find_call(self, frame: FrameType | None, within: ModuleCall | None) -> ModuleCall:
        """Find the place of the nearest call of a module above; ``within`` is the call that it is made in."""
        start, found = frame, self.find(frame, within)
        while start is not None:
            if start.f_code.co_name == "_wrapped_call_impl" and self._kinds.of(start.f_code) == MODULE:
                return ModuleCall(id(start), found)
            start = start.f_back
        return ModuleCall(0, found)

    def of_code(self, code: CodeType) -> PlaceRow:
        """Return the place of a function's first line where it is the user's."""
        if self._kinds.of(code) not in {USER, LIBRARY}:
            return NOWHERE.row
        file = self._place(code, 0).row[0]
        return file, code.co_firstlineno, code.co_firstlineno, None, None

    def of_traceback(self, traceback: TracebackType | None) -> PlaceRow:
        """Return the place of the innermost frame that is the user's, and with it that of a library further in."""
        place, library, calls = NOWHERE, None, list[tuple[PlaceRow, str, list[str]]]()
        while traceback is not None:
            code = traceback.tb_frame.f_code
            kind = self._kinds.of(code)
            if kind == USER:
                place, library = self._place(code, traceback.tb_lasti), None
                calls.append((place.row, code.co_qualname, []))
            elif calls and (package := self._kinds.package(code.co_filename)):
                calls[-1][2].append(package)
            if kind == LIBRARY:
                library = traceback
            traceback = traceback.tb_next
        if place is NOWHERE:
            return NOWHERE.row if library is None else self._place(library.tb_frame.f_code, library.tb_lasti).row
        stack = self._stacks.of([Call(row, name, tuple(met[::-1])) for row, name, met in reversed(calls)], None)
        beside = None if library is None else self._library(library.tb_frame.f_code, library.tb_lasti)
        return self._sited_at(place, NAMELESS, beside, stack).row

    def is_raised(self, error: BaseException) -> bool:
        """Tell whether a ``raise`` made an exception that is not torch's."""
        return is_raised(error, self._kinds.torch)

    def is_users(self, filename: str) -> bool:
        """Tell whether a file is the script's own."""
        kind = self._kinds.known.get(filename)
        return (self._kinds.classify(filename) if kind is None else kind) == USER

    def is_passing(self, filename: str) -> Callable[[str], bool]:
        """Return what tells whether a variable of a file is that of a loop, and so one thing after another."""
        return self._file(filename).passing.__contains__

    def _forget(self) -> None:
        """Let go of what was found of stacks, which can be found again."""
        self._sited.clear()
        self._stacks.clear()
        self._walks.known.clear()

    def _inside(self, place: Place, library: FrameType) -> Place:
        """Return a place of the script's with that of the library beside it; its names are none of the library's."""
        return self._sited_at(place, NAMELESS, self._library(library.f_code, library.f_lasti), place.stack)

    def _library(self, code: CodeType, lasti: int) -> tuple[int, int]:
        """Return source id and line of an instruction of a library."""
        return self._register(code.co_filename, None), position_of(code, lasti)[0] or code.co_firstlineno

    def _sited_at(self, place: Place, names: Names, library: tuple[int, int] | None, stack: Stack | None) -> Place:
        """Return a place with what is beside it; made once."""
        number = 0 if stack is None else stack.id
        plain: PlaceRow = tuple.__new__(tuple, place.row)
        known = self._sited.get(key := (plain, library, number))
        if known is None:
            if len(self._sited) >= _MAX_SITES:  # a script that comes to its places in ever new ways
                self._forget()
            row = Sited(plain)
            row.spot = Spot(plain, library, number)
            known = self._sited[key] = Place(place.file, row, names, stack)
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
        line, end_line, column, end_column = position_of(code, lasti)
        row = (file.id, line, end_line, column, end_column)
        if line is None or end_line is None or column is None or end_column is None:
            return Place(filename, row, NAMELESS)
        return Place(filename, row, file.names((line, column, end_line, end_column)))

    def _file(self, filename: str) -> SourceFile:
        file = self._files.get(filename)
        if file is None:
            text = read_source(filename)
            file = self._files[filename] = SourceFile(self._register(filename, text), text, self._missing)
        return file


_MAX_CODES = 10_000
_MAX_SITES = 10_000
