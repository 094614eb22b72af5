"""What tensors are called: one name for each, and no name for two of those that are leaves.

Results and operands get the names that the source gives them. A leaf gets the path by which the script's variables lead
to it (``netG.main.12.weight``), which is looked for once, when it matters: when its model is called, when an optimizer
is made of it, when a backward reaches it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import torch

from gradb.log.writer import LogWriter
from gradb.tracer.source.libraries import names_in, packages_of
from gradb.tracer.source.places import Places
from gradb.tracer.source.syntax import Callee, Names
from gradb.tracer.source.variables import Search, variables_of
from gradb.tracer.tensors.ids import TensorIds
from gradb.tracer.tensors.records import TensorRecord

_MOST_FRUITLESS = 100
"""So many searches that found nothing, and no more are made."""
_MOST_FRUITLESS_IN_LIBRARIES = 10
_MOST_FRUITLESS_OF_LOST = 20
_SELF = "self."
_SWAPPING = getattr(getattr(torch.nn.utils.stateless, "_functional_call", None), "__code__", None)
"""The code of torch's that has a module hold what is no parameter of its own, as long as it runs."""


def _spared(part: Callable[..., None]) -> Callable[..., None]:
    """Let a failure of a part cost names and no more."""

    @functools.wraps(part)
    def call(naming: Namer, *args: Any, **kwargs: Any) -> None:
        try:
            part(naming, *args, **kwargs)
        except Exception as error:
            naming.missing("names", error)

    return call


def are_swapped() -> bool:
    """Tell whether the parameters of a module are not its own now: it is called by ``torch.func.functional_call``."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is _SWAPPING:
            return True
        frame = frame.f_back
    return False


class Namer:
    """Names of tensors as the tape is told them.

    Args:
        writer: the tape.
        tensors: ids of tensors.
        places: tells which frames are the script's.
        missing: is told what cannot be found out, and why.
    """

    def __init__(
        self, writer: LogWriter, tensors: TensorIds, places: Places, missing: Callable[[str, Exception], object]
    ) -> None:
        self._writer = writer
        self._tensors = tensors
        self._places = places
        self._owners: dict[str, TensorRecord] = {}
        self._unsettled: list[TensorRecord] = []
        self._fruitless = self._fruitless_in_libraries = self._fruitless_of_lost = 0
        self.missing = missing

    def parts(self) -> dict[str, Any]:
        """Return what the accelerator looks names up in."""
        return {"owners": self._owners}

    # --- names from the source ----------------------------------------------------------------------------------------

    def name(
        self, tensor: torch.Tensor, name: str | None, event: int, scope: str = "", *, is_path: bool = False
    ) -> bool:
        """Say that a tensor is called ``name`` from ``event`` on; return whether it is.

        Args:
            tensor: what is named.
            name: of a variable, or a path.
            event: seq of the event at which the source calls it so.
            scope: the function whose variable it is; empty in a module.
            is_path: whether it is the path of a leaf, which it keeps as long as nothing else has that name.
        """
        known = self._tensors.record(tensor)
        owner = self._owners.get(name) if name else None
        if owner is known and known.name == name:
            known.is_settled |= is_path
            return True
        if not name or not (is_path or self._may_rename(known, owner, scope, is_own=name.startswith(_SELF))):
            return False
        if (
            owner is not None
            and owner is not known
            and owner.is_leaf
            and owner.name == name
            and owner.ref() is not None
        ):
            self._lose(owner, name, event)
        self._give(known, name, event, scope)
        known.is_settled = is_path
        return True

    def _may_rename(self, known: TensorRecord, owner: TensorRecord | None, scope: str, *, is_own: bool) -> bool:
        """Tell whether what the source says here is reason enough to call a tensor otherwise.

        A path stays; a function's own variable takes no name from a leaf that has it elsewhere, and gives none to a
        leaf that the running caller has a name for; and ``self.w``, which is another tensor for each object, is for
        what has no name (``is_own``).
        """
        is_named = known.name is not None and self._owners.get(known.name) is known
        if is_named and (known.is_settled or is_own or (known.is_leaf and self._is_passed_on(known.scope, scope))):
            return False
        return owner is None or owner is known or not owner.is_leaf or owner.scope == scope or owner.ref() is None

    def _is_passed_on(self, whose: str, scope: str) -> bool:
        """Tell whether what has its name in one scope is another's only as long as that one waits for it."""
        return whose != scope and (not whose or any(frame.f_code.co_qualname == whose for frame in self._frames()))

    def _give(self, known: TensorRecord, name: str, event: int, scope: str) -> None:
        known.call(name)
        known.scope = scope
        self._owners[name] = known
        self._writer.pen.name(known.id, event, name)

    def _lose(self, owner: TensorRecord, name: str, event: int) -> None:
        """Call a leaf by another variable, or say that it was replaced: its name means something else from here on."""
        if (found := self._elsewhere(owner, name)) is not None:
            self._give(owner, found[0], event, found[1])
            return
        other, number = f"{name} (replaced)", 1
        while (known := self._owners.get(other)) is not None and known is not owner and known.ref() is not None:
            number += 1
            other = f"{name} (replaced {number})"
        self._give(owner, other, event, owner.scope)
        owner.is_settled = False
        self._unsettled.append(owner)

    def _elsewhere(self, known: TensorRecord, name: str) -> tuple[str, str] | None:
        """Return another variable than ``name`` that is a leaf, and its scope; None where there is none."""
        leaf = known.ref()
        if leaf is None or self._fruitless_of_lost >= _MOST_FRUITLESS_OF_LOST:
            return None
        found = self._search({id(leaf)}, without=name).get(id(leaf))
        owner = None if found is None else self._owners.get(found[0])
        is_taken = owner is not None and owner is not known and owner.ref() is not None
        if found is None or is_taken or not found[0].isidentifier():
            self._fruitless_of_lost += 1
            return None
        return found

    @_spared
    def provisional(self, parameter: torch.Tensor, name: str, event: int) -> None:
        """Name a parameter whose model is just being made, where it has no name and the name is free."""
        known = self._tensors.record(parameter)
        if known.name is None:
            self._give(known, self._free(name), event, "")

    def arguments(self, names: Names, callee: Callee, args: tuple[Any, ...], event: int) -> None:
        """Name the tensors among positional arguments as the source does."""
        try:
            is_pair = len(args) == 2 and isinstance(args[0], torch.Tensor) and isinstance(args[1], torch.Tensor)
            for value, name in zip(args, names.of_arguments(callee, len(args), is_pair), strict=False):
                if name and isinstance(value, torch.Tensor):
                    self.name(value, name, event, names.scope)
        except Exception as error:
            self.missing("names", error)

    def results(self, names: Names, callee: Callee, results: list[torch.Tensor], is_single: bool, event: int) -> None:
        """Name what an expression returned after the targets it is assigned to."""
        try:
            for value, name in zip(results, names.of_results(callee, len(results), is_single), strict=False):
                self.name(value, name, event, names.scope)
        except Exception as error:
            self.missing("names", error)

    # --- paths of leaves ----------------------------------------------------------------------------------------------

    def appeared(self, known: TensorRecord) -> None:
        """Take note of a leaf that is seen for the first time."""
        if not known.is_settled:
            self._unsettled.append(known)

    @_spared
    def settle_waiting(self, event: int) -> None:
        """Look for the paths of all leaves that have none yet."""
        if self._unsettled:
            waiting, self._unsettled = self._unsettled, []
            self.settle([tensor for known in waiting if (tensor := known.ref()) is not None], event)

    @_spared
    def settle(self, leaves: Iterable[torch.Tensor], event: int, fallback: Callable[[int], str] | None = None) -> None:
        """Give leaves the paths by which variables lead to them now; those that have theirs keep it.

        ``fallback`` tells, by its ``id``, what to call one that no variable leads to; without it, it stays as it is.
        """
        wanted = {id(leaf): leaf for leaf in leaves if not self._is_settled(self._tensors.record(leaf))}
        if not wanted:
            return
        found = self._search(wanted) if self._fruitless < _MOST_FRUITLESS else {}
        self._fruitless += not found
        for key, leaf in wanted.items():
            path, scope = found.get(key, (None, ""))
            if path is not None:
                self._give_path(leaf, path.removeprefix(_SELF), event, scope)
            elif fallback is not None:
                self._give_for_now(leaf, self._free(fallback(key)), event)
            elif not issubclass(type(leaf), torch.nn.Parameter):  # which its model may yet tell when it is called
                self._tensors.record(leaf).is_settled = True

    def _give_for_now(self, leaf: torch.Tensor, name: str, event: int) -> None:
        """Name a leaf until it is known by which path variables lead to it: its model may be in the making."""
        known = self._tensors.record(leaf)
        if self.name(leaf, name, event, is_path=True) and known.is_settled:
            known.is_settled = False
            self._unsettled.append(known)

    def _give_path(self, leaf: torch.Tensor, path: str, event: int, scope: str) -> None:
        """Name a leaf; a function's own variable takes no name from a leaf that has it elsewhere."""
        owner = self._owners.get(path)
        is_elsewhere = (
            owner is not None
            and owner.is_leaf
            and owner.scope != scope
            and (alive := owner.ref()) is not None
            and alive is not leaf
        )
        self.name(leaf, self._free(path) if is_elsewhere else path, event, scope, is_path=True)

    def _free(self, name: str) -> str:
        """Return a name, with a number where a tensor that is alive has it."""
        free, number = name, 1
        while (owner := self._owners.get(free)) is not None and owner.ref() is not None:
            number += 1
            free = f"{name} #{number}"
        return free

    def _is_settled(self, known: TensorRecord) -> bool:
        return known.is_settled and (known.name is None or self._owners.get(known.name) is known)

    def _search(self, wanted: Iterable[int], without: str = "") -> dict[int, tuple[str, str]]:
        search, seen = Search(wanted, opens_modules=not are_swapped(), without=without), set()
        frames = self._frames()
        for frame in frames:  # what belongs to modules first: it lasts longest
            if id(frame.f_globals) not in seen:
                seen.add(id(frame.f_globals))
                search.look(list(frame.f_globals.items()), "", self._places.is_passing(frame.f_code.co_filename))
        for frame in frames:
            if search.wanted and frame.f_code.co_name != "<module>":
                search.look(
                    variables_of(frame), frame.f_code.co_qualname, self._places.is_passing(frame.f_code.co_filename)
                )
        if search.wanted and not without and self._fruitless_in_libraries < _MOST_FRUITLESS_IN_LIBRARIES:
            return search.found | self._search_libraries(search.wanted)
        return search.found

    def _search_libraries(self, wanted: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Look for what the libraries that the script has called keep under some name."""
        libraries = self._libraries()
        found = names_in(libraries, wanted) if libraries else {}
        self._fruitless_in_libraries += bool(libraries) and not found
        return {key: (name, "") for key, name in found.items()}

    def variable_of(self, wanted: object) -> str | None:
        """Return the variable that holds an object; one of a loop, or a parameter of a function, names none."""
        for frame in self._frames():
            code = frame.f_code
            is_passing = self._places.is_passing(code.co_filename)
            given = () if code.co_name == "<module>" else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            for name, value in variables_of(frame):
                if value is wanted and name not in given and not is_passing(name):
                    return name
        return None

    def _frames(self) -> list[FrameType]:
        """Return the running frames of the script, the outermost first."""
        frames: list[FrameType] = []
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if self._places.is_users(frame.f_code.co_filename):
                frames.append(frame)
            frame = frame.f_back
        return frames[::-1]

    def _libraries(self) -> tuple[str, ...]:
        """Return the top-level packages that the script has called and that run now, the innermost first."""
        names: list[str] = []
        called = 0
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if self._places.is_users(frame.f_code.co_filename):
                called = len(names)
            else:
                names.append(str(frame.f_globals.get("__name__")))
            frame = frame.f_back
        return packages_of(names[:called])
