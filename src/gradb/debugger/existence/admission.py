"""Admits a stop: what it names exists, or may come; what does not exist is refused, with what may have been meant.

A recording whose script is over is known as a whole: a name, line or iteration that never occurs on it is refused. Of a
live script what has not occurred may come, as long as torch or the script knows the name; with ``!`` behind it any name
is waited for. An error or a NaN is nothing that somebody may have mistyped: there may be none, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain

from gradb.algebra.figures import counted
from gradb.debugger.errors import UserError
from gradb.debugger.existence import names
from gradb.debugger.existence.files import NoFile, SourceFile, meant
from gradb.debugger.existence.statements import Statements, statements
from gradb.debugger.existence.variables import may_come, suggestion, tensors, texts, waited_for
from gradb.debugger.expect.names import TapeNames
from gradb.debugger.movement import nearest
from gradb.debugger.stops import describe, without_mark
from gradb.debugger.suggestion import did_you_mean
from gradb.debugger.view import View
from gradb.frame.reader import Tape
from gradb.tape.conditions.condition import condition_of
from gradb.tape.expressions.faults import NoValue
from gradb.tape.stops import Stop, is_call_named, is_named, lines_of

_NAMED = frozenset({"at", "node", "aten", "iteration", "param", "module"})
_PENDING = "pending: none yet, it will stop at the first"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A stop that may be looked for."""

    stop: Stop
    """As it is looked for: a line is the whole statement, in a file."""
    note: str = ""
    """What is to be said with it."""


def admit(stop: Stop, view: View) -> Admitted:
    """Return a stop as it is to be looked for.

    Raises:
        UserError: what it names does not exist.
    """
    if stop.condition:
        return _conditional(stop, view)
    stop, is_sure = _insisted(stop)
    is_sure = is_sure and view.is_live
    admitted = _at(stop, view, is_sure=is_sure) if stop.kind == "at" else Admitted(stop)
    if occurs(admitted.stop, view):
        return admitted
    if not view.is_live and view.tape is not None:
        if stop.kind not in _NAMED:
            return Admitted(stop, "there is none in this recording")
        raise UserError(_never(admitted.stop, view))
    return _pending(stop, view, is_sure=is_sure) if stop.kind in _KNOWN else admitted


def _at(stop: Stop, view: View, *, is_sure: bool) -> Admitted:
    try:
        return _located(stop, view)
    except UserError as error:
        if is_sure:
            return Admitted(stop, _PENDING)
        if view.is_live and isinstance(error, NoFile):
            raise UserError(f"{error}; `{describe(stop)}!` waits for it all the same") from error
        raise


def _pending(stop: Stop, view: View, *, is_sure: bool) -> Admitted:
    """Admit a name that has not been met, if it is known or said to come."""
    groups = _SUGGESTED[stop.kind](view)
    is_path = stop.kind in {"param", "module"}
    hint = suggestion(stop.argument, chain(*groups), view) if is_path else did_you_mean(stop.argument, *groups)
    if is_sure or _KNOWN[stop.kind](stop.argument, view):
        return Admitted(stop, _PENDING + (hint if is_path else ""))
    raise UserError(
        f"there is no {describe(stop)} so far, and neither torch nor the script knows that name{hint};"
        f" `{describe(stop)}!` waits for it all the same"
    )


def _conditional(stop: Stop, view: View) -> Admitted:
    """Admit the place, whether or not the condition holds anywhere, and what the condition names."""
    place = Admitted(stop) if stop.kind == "when" else admit(replace(stop, condition=""), view)
    condition = without_mark(stop.condition)
    waited = waited_for(condition, view, is_sure=condition != stop.condition)
    notes = [note for note in (place.note, waited, unmeasured(condition, view)) if note]
    return Admitted(replace(place.stop, condition=condition), "; ".join(notes))


def unmeasured(condition: str, view: View) -> str:
    """Return why a condition on ``update`` cannot have held at the newest step: it was not measured there."""
    tape = view.tape
    if tape is None or "update" not in condition_of(condition).names or tape.latest("step", view.head) is None:
        return ""
    try:
        TapeNames(tape, view.head).word("update")
    except NoValue as unknown:
        return f"not known so far: {unknown}" + ("; it is measured from here on" if view.is_live else "")
    return ""


def located(stop: Stop, view: View) -> Stop:
    """Return a stop as it would be looked for, whether or not what it names exists."""
    stop = replace(_insisted(stop)[0], condition=without_mark(stop.condition))
    try:
        return _located(stop, view).stop if stop.kind == "at" else stop
    except UserError:
        return stop


def occurs(stop: Stop, view: View) -> bool:
    """Tell whether what is recorded so far has an event at which a stop stops."""
    return view.has(stop)


def _insisted(stop: Stop) -> tuple[Stop, bool]:
    """Return a stop without the ``!`` that says that what it names will come, and whether it had one."""
    return replace(stop, argument=stop.argument.removesuffix("!")), stop.argument.endswith("!")


# --- lines ------------------------------------------------------------------------------------------------------------


def _located(stop: Stop, view: View) -> Admitted:
    name, line, _ = lines_of(stop.argument)
    file = meant(name, view)
    if file is None:
        return Admitted(stop)
    known = None if file.text is None else statements(file.text)
    is_met = line in _lines(file.path, view)  # an error may be raised anywhere
    span = (line, line) if known is None or (is_met and known.at(line) is None) else _span(known, line, file)
    lines = f"{span[0]}" if span[0] == span[1] else f"{span[0]}-{span[1]}"
    notes = [] if line == span[0] else [f"line {line} belongs to the statement that begins there"]
    notes += [] if file.is_recorded else ["pending: nothing of that file has run yet"]
    return Admitted(replace(stop, argument=f"{file.path}:{lines}"), "; ".join(notes))


def _span(known: Statements, line: int, file: SourceFile) -> tuple[int, int]:
    """Return the lines of the statement that a line belongs to."""
    span = known.at(line)
    if span is not None:
        return span
    short, near = file.name, known.nearest(line)
    end = "" if near is None else f": the nearest line with code is {near}"
    if not 1 <= line <= len(known.lines):
        raise UserError(f"{short} has {counted(len(known.lines), 'line')}, and no line {line}{end}")
    raise UserError(f"line {line} of {short} {known.what(line)}{end}")


# --- what never occurs on a recording ---------------------------------------------------------------------------------


def _never(stop: Stop, view: View) -> str:
    """Say that a recording has nothing of the kind, and what it has that is near."""
    tape = view.run.tape
    if tape is None:
        return "nothing is recorded"
    if stop.kind == "at":
        return _quiet_line(stop, _lines(lines_of(stop.argument)[0], view))
    if stop.kind == "iteration":
        return f"there is no {describe(stop)} in this recording: the last is {_last_iteration(tape)}"
    groups = _SUGGESTED[stop.kind](view) if stop.kind in _SUGGESTED else []
    if stop.kind in _UNSEEN and not any(map(tuple, groups)):
        return f"there is no {describe(stop)} in this recording: {_UNSEEN[stop.kind]}"
    return f"there is no {describe(stop)} in this recording{did_you_mean(stop.argument, *groups)}"


def _lines(path: str, view: View) -> list[int]:
    """Return the lines of a file at which something has happened."""
    return sorted({line for tape in view.tapes for line in tape.inventory.lines(path)})


def _last_iteration(tape: Tape) -> int:
    """Return the last iteration in which there is anything to stop at."""
    last = nearest(tape, (Stop("step"),), tape.head, -1) or 0
    return tape.event(last).iteration if last else 0


def _quiet_line(stop: Stop, lines: list[int]) -> str:
    _, line, _ = lines_of(stop.argument)
    near = min(lines, key=lambda one: (abs(one - line), -one), default=None)
    end = "" if near is None else f": the nearest line where something did is {near}"
    return f"nothing happened at {describe(stop)} in this recording{end}"


# --- names ------------------------------------------------------------------------------------------------------------


def _is_node(name: str, view: View) -> bool:
    recorded = [name for tape in view.tapes for name in tape.inventory.nodes()]  # one that has not run is no event
    known = (*names.torch_nodes(), *names.function_nodes(texts(view)), *recorded)
    return any(is_named(one, wanted) for wanted in (name, name.rpartition("::")[2]) for one in known)


def _is_call(name: str, view: View) -> bool:
    known = names.torch_calls()
    return not known or any(is_call_named(one, name) for one in known)


def _nodes(view: View) -> list[Iterable[str]]:
    recorded = [name for tape in view.tapes for name in tape.inventory.nodes()]
    return [recorded, names.function_nodes(texts(view)), names.torch_nodes()] if view.is_live else [recorded]


def _calls(view: View) -> list[Iterable[str]]:
    recorded = [name for tape in view.tapes for name in tape.inventory.calls()]
    known = (recorded, names.torch_calls()) if view.is_live else (recorded,)
    return [group for one in known for group in ([name.removeprefix("aten.").split(".")[0] for name in one], one)]


def _modules(view: View) -> list[str]:
    return list(dict.fromkeys(name for tape in view.tapes for name in tape.inventory.modules()))


_KNOWN: dict[str, Callable[[str, View], bool]] = {
    "node": _is_node,
    "aten": _is_call,
    "param": lambda name, view: may_come(name, tensors(view), view),
    "module": lambda name, view: may_come(name, _modules(view), view),
}
"""Tells of a name whether something may come that is called so."""
_SUGGESTED: dict[str, Callable[[View], list[Iterable[str]]]] = {
    "node": _nodes,
    "aten": _calls,
    "param": lambda view: [tensors(view)],
    "module": lambda view: [_modules(view)],
}
"""What may have been meant: the names that are nearest at hand first."""
_UNSEEN = {"aten": "no ATen calls were recorded (`gradb record --aten` does)", "node": "no node was recorded",
           "module": "nothing happened in a module"}  # fmt: skip
"""Why, where there is nothing of the kind at all."""
