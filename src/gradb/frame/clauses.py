"""What a stop asks of the headers of events, in SQL: what narrows a search down, and what an index answers at once.

``Stop.matches`` has the last word on what these let pass.
"""

from __future__ import annotations

from collections.abc import Callable

from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES, STOP_KINDS, Kind, numbers_of
from gradb.tape.stops import FORWARD_ENDS, TURNS, Stop, lines_of

Clause = tuple[str, tuple[object, ...]]
"""What SQL asks of the candidates, and its parameters."""
_MAX_INT = 2**63 - 1
_CODES: dict[str, int] = {str(kind): code for kind, code in CODES.items()}
_STOP_KINDS = numbers_of(*sorted(STOP_KINDS))


def is_stop(stop: Stop) -> str:
    """Say in SQL what ``Event.is_stop`` and ``with_quiet`` say; the unary plus keeps SQLite walking in order of seq."""
    ordinary = f"(+e.kind IN ({_STOP_KINDS}) AND NOT e.flags & 1)"
    return f"({ordinary} OR (e.flags & 1 AND +e.kind IN ({numbers_of('op', 'leaf')})))" if stop.with_quiet else ordinary


def _line(stop: Stop, origin: Event | None) -> Clause:
    if origin is None:
        return is_stop(stop), ()
    return f"{is_stop(stop)} AND NOT (s.path IS ? AND t.line IS ?)", (origin.file, origin.line)


def _phase(stop: Stop, origin: Event | None) -> Clause:
    return f"{is_stop(stop)} AND t.phase <> ?", (origin.phase if origin else "start",)


def _iteration(stop: Stop, origin: Event | None) -> Clause:
    if stop.argument:
        wanted = f"{is_stop(stop)} AND +e.kind <> {CODES['end']} AND e.iteration = ?"
        return wanted, (min(int(stop.argument), _MAX_INT),)
    return f"{is_stop(stop)} AND +e.iteration <> ?", (origin.iteration if origin else 0,)


def _out(stop: Stop, origin: Event | None) -> Clause:
    """Ends of calls, and of the one node: few enough for the predicate to tell which is meant."""
    kinds: set[Kind] = {*FORWARD_ENDS, "node", "accumulate", "backward_end"}
    return f"+e.kind IN ({numbers_of(*sorted(kinds))})", ()


def _node(stop: Stop, origin: Event | None) -> Clause:
    """Names that begin with the argument, or that have letters whose case SQLite does not know."""
    begins = "".join("\\" + letter if letter in "\\%_" else letter for letter in stop.argument)
    if not stop.argument.isascii():
        begins = ""
    named = "(t.name LIKE ? ESCAPE '\\' OR t.name GLOB '*[^ -~]*')"
    return f"+e.kind IN ({numbers_of('node', 'op')}) AND e.node IS NOT NULL AND {named}", (begins + "%",)


CLAUSES: dict[str, Callable[[Stop, Event | None], Clause]] = {
    "step": lambda stop, origin: (is_stop(stop), ()),
    "event": lambda stop, origin: ("1", ()),
    # the predicate knows quiet calls
    "into": lambda stop, origin: (f"(+e.kind = {CODES['aten']} OR {is_stop(stop)})", ()),
    "out": _out,
    "aten": lambda stop, origin: ("e.kind = ?", (CODES["aten"],)),
    "line": _line,
    "phase": _phase,
    "iteration": _iteration,
    "node": _node,
    "kind": lambda stop, origin: ("e.kind = ?", (_CODES.get(stop.argument, -1),)),
    "nonfinite": lambda stop, origin: ("e.flags & 6", ()),
    "nan": lambda stop, origin: ("e.flags & 6 AND e.flags & 2", ()),  # the first for the index
    "inf": lambda stop, origin: ("e.flags & 6 AND e.flags & 4", ()),
    "birth": lambda stop, origin: ("e.flags & 6 AND e.flags & 8", ()),
    "end": lambda stop, origin: ("e.kind = ?", (CODES["end"],)),
}
"""What is tried in the order of events, by the kind of stop; the event is the one where the movement began."""


def _at_position(store: Store, stop: Stop, position: int, direction: int) -> int | None:
    wanted = int(stop.argument)
    is_ahead = wanted > position if direction > 0 else wanted < position
    return wanted if is_ahead and 1 <= wanted <= store.head else None


def _at_line(store: Store, stop: Stop, position: int, direction: int) -> int | None:
    """Ask the index of lines once for each source file that the argument may mean."""
    file, first, last = lines_of(stop.argument)
    if first > min(last, _MAX_INT):
        return None
    paths = store.db.all("SELECT id, path FROM source LIMIT 10000")
    ids = [id_ for id_, path in paths if not file or path == file or path.endswith("/" + file)]
    pick, compare = ("min", ">") if direction > 0 else ("max", "<")
    query = (
        f"SELECT {pick}((SELECT {pick}(seq) FROM event WHERE site = t.id AND seq {compare} ?)) FROM site t"
        " WHERE t.file IS ? AND t.line BETWEEN ? AND ?"
    )
    candidates = [None, *ids] if not file else ids
    rows = [store.db.all(query, position, id_, first, min(last, _MAX_INT))[0][0] for id_ in candidates]
    found: list[int] = [seq for seq in rows if seq is not None]
    if not found:
        return None
    return min(found) if direction > 0 else max(found)


def outside(stop: Stop) -> Clause:
    """Ask for events at which a movement may have left the module of a stop."""
    seen = f"({is_stop(stop)} OR +e.kind IN ({numbers_of(*sorted(TURNS))}))"
    return f"{seen} AND NOT instr('.' || t.scope || '.', ?)", (f".{stop.argument}.",)


def _in_module(store: Store, stop: Stop, position: int, direction: int) -> int | None:
    """Ask the index of sites once for each that has the scope of the module, or one inside of it."""
    pick, compare = ("min", ">") if direction > 0 else ("max", "<")
    query = (
        f"SELECT {pick}((SELECT {pick}(e.seq) FROM event e WHERE e.site = t.id AND e.seq {compare} ?"
        f" AND {is_stop(stop)})) FROM site t WHERE instr('.' || t.scope || '.', ?)"
    )
    found: int | None = store.db.all(query, position, f".{stop.argument}.")[0][0] if stop.argument else None
    return found


FIXED = {"position": _at_position, "at": _at_line, "module": _in_module}
"""What returns the next event of a place at once, given (store, stop, position, direction)."""
