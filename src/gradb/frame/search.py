"""Finds the next or the previous event at which a movement stops.

SQL narrows the search down by kind, line, node name and the like; ``Stop.matches``, which also decides in the debuggee,
has the last word on every candidate. So a recorded stretch and a live run stop at the same events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradb.frame.conditions import FIRST_HEADER, Verdicts
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES, STOP_KINDS, Kind, numbers_of
from gradb.tape.stops import FORWARD_ENDS, TURNS, Stop, is_named, lines_of

Clause = tuple[str, tuple[object, ...]]
"""What SQL asks of the candidates, and its parameters."""
_BATCH = 200
_MAX_INT = 2**63 - 1
_CODES: dict[str, int] = {str(kind): code for kind, code in CODES.items()}
_STOP_KINDS = numbers_of(*sorted(STOP_KINDS))


def find(store: Store, stop: Stop, position: int, direction: int, last: int | None = None) -> int | None:
    """Return the nearest event after (+1) or before (-1) a position at which ``stop`` stops, or None.

    The movement's origin is the event at ``position`` (None at 0). Going back by ``step`` or ``event`` ends at 0, the
    start, where no event is left. Going back to an iteration goes to where it begins, not to where it ends. With
    ``last``, nothing beyond that event is looked for.

    Raises:
        ValueError: the stop's argument is not of its kind.
        TapeError: an event on the way is damaged.
    """
    found = _follow(store, stop, position, direction, last)[0]
    if found is None and last is None and direction < 0 < position and stop.kind in {"step", "event"}:
        return 0
    return found


def follow(store: Store, stop: Stop, position: int, last: int) -> tuple[bool, Stop]:
    """Return whether a stop stops a movement at ``last`` that began at a position, and what is left of the stop.

    The movement is known not to have been stopped before.

    Raises:
        TapeError: an event on the way is damaged.
    """
    direction = 1 if last > position else -1
    if stop.passes:
        found, left = _follow(store, stop, position, direction, last)
        return found == last, left
    if stop.is_inside:
        if _leave(store, stop, position, direction, last) is None:
            return False, stop
        stop = replace(stop, is_inside=False)
    if stop.kind == "iteration":
        return _nearest(store, stop, position, direction, last) == last, stop
    return last > 0 and _search(store, stop, last - direction, direction, _origin(store, position), last) == last, stop


def _origin(store: Store, position: int) -> Event | None:
    return store.event(position) if position else None


def _follow(store: Store, stop: Stop, position: int, direction: int, last: int | None) -> tuple[int | None, Stop]:
    """Return where a movement stops, up to an event if one is given, and what is left of the stop there.

    It does what ``Lookout`` does, but passes at once over all that lies between two matches.
    """
    while True:
        if stop.is_inside:
            found = _leave(store, stop, position, direction, last)
            if found is None:
                return None, stop
            position, stop = found, replace(stop, is_inside=False)
        found = _nearest(store, stop, position, direction, last)
        if found is None or not stop.passes:
            return found, stop
        position, stop = found, stop.passed()


def _leave(store: Store, stop: Stop, position: int, direction: int, last: int | None) -> int | None:
    """Return the nearest event that is not at the place, or not of the iteration, of a stop."""
    if stop.kind == "module":
        return _try(store, stop.is_left, _outside(stop), direction, position, last)
    found = None
    for other in _OTHERS[stop.kind]:
        hit = _nearest(store, other, position, direction, last)
        while hit is not None and not stop.is_left(store.event(hit)):
            hit = _nearest(store, other, hit, direction, last)
        found, last = (found, last) if hit is None else (hit, hit)
    return found


def _nearest(store: Store, stop: Stop, position: int, direction: int, last: int | None) -> int | None:
    """Return the nearest matching event, up to another one if that is given."""
    if stop.kind == "iteration" and stop.argument and direction < 0:  # to where it begins
        found = _search(store, stop, 0, 1, None, position - 1)
        return None if found is None or (last is not None and found < last) else found
    return _search(store, stop, position, direction, _origin(store, position), last)


def _search(
    store: Store, stop: Stop, position: int, direction: int, origin: Event | None, last: int | None
) -> int | None:
    """Ask a condition only where it can make a difference."""
    if not stop.is_conditional:
        return _plain(store, stop, position, direction, origin, last, _always)
    verdicts = Verdicts(store, stop)
    if stop.kind == "when":
        return verdicts.first(position, direction, last)
    if stop.kind == "param":
        events = map(store.event, verdicts.mentioned(position, direction, last))
        return next((one.seq for one in events if stop.matches(one, origin) and verdicts.meets(one)), None)
    if not verdicts.is_steady:
        return _plain(store, stop, position, direction, origin, last, verdicts.meets)
    for low, high in verdicts.spans(position, direction, last):
        begin, end = (low - 1, high) if direction > 0 else (high + 1, low)
        found = _plain(store, stop, begin, direction, origin, end, _always)
        if found is not None:
            return found
    return None


def _always(event: Event) -> bool:
    return True


def _plain(
    store: Store,
    stop: Stop,
    position: int,
    direction: int,
    origin: Event | None,
    last: int | None,
    meets: Callable[[Event], bool],
) -> int | None:
    """Return the nearest event that matches by its header, and meets what else is asked."""
    fixed = _FIXED.get(stop.kind)
    if fixed is None:
        return _scan(store, stop, position, direction, origin, last, meets)
    found = fixed(store, stop, position, direction)
    while found is not None and (last is None or (found - last) * direction <= 0):
        if meets is _always or meets(store.event(found)):
            return found
        found = fixed(store, stop, found, direction)
    return None


def _scan(
    store: Store,
    stop: Stop,
    position: int,
    direction: int,
    origin: Event | None,
    last: int | None,
    meets: Callable[[Event], bool],
) -> int | None:
    """Try the candidates in order; pass over the stretches that are known to have none."""
    clause = _CLAUSES[stop.kind](stop, origin)
    until = store.renumbering.until
    if stop.kind == "iteration" and until and (direction < 0 or position < until):  # they may say other numbers
        clause = f"({clause[0]} OR (e.seq < ? AND {_is_stop(stop)}))", (*clause[1], until)

    def accepts(event: Event) -> bool:
        return stop.matches(event, origin) and meets(event)

    is_without = _barren(store, stop, origin)
    if is_without is None:
        return _try(store, accepts, clause, direction, position, last)
    for low, high, number in store.stretches.walk(position, direction, store.head):
        begin, end = (low - 1, high) if direction > 0 else (high + 1, low)
        if last is not None and (begin - last) * direction >= 0:
            break
        if number is None or not is_without(number):
            end = end if last is None or (end - last) * direction < 0 else last
            found = _try(store, accepts, clause, direction, begin, end)
            if found is not None:
                return found
    return None


def _try(
    store: Store,
    accepts: Callable[[Event], bool],
    clause: Clause,
    direction: int,
    after: int,
    last: int | None,
) -> int | None:
    """Try the candidates beyond an event, up to and with another one, by batches."""
    compare, order, up_to = (">", "ASC", "<=") if direction > 0 else ("<", "DESC", ">=")
    where, parameters = clause
    if last is not None:
        where, parameters = f"e.seq {up_to} ? AND {where}", (last, *parameters)
    query = f"{FIRST_HEADER} WHERE e.seq {compare} ? AND {where} ORDER BY e.seq {order} LIMIT ?"
    size = 1
    while True:
        rows = store.db.all(query, after, *parameters, size)
        for row in rows:
            event = store.header(row)
            if accepts(event):
                return event.seq
        if len(rows) < size:
            return None
        after, size = rows[-1][0], _BATCH


def _barren(store: Store, stop: Stop, origin: Event | None) -> Callable[[int], bool] | None:
    """Return what tells of a stretch that no event in it can match; None where that cannot be told of any."""
    stretches = store.stretches
    if stop.kind == "node":
        return lambda number: (
            not any(is_named(name, stop.argument) for name in stretches.names(number) or [stop.argument])
        )
    if origin is None or (stop.kind == "iteration" and stop.argument):
        return None
    match stop.kind:
        case "iteration":
            until = store.renumbering.until
            return lambda number: (
                stretches.begin(number) >= until and stretches.has_all(number, "iteration", origin.iteration)
            )
        case "phase":
            return lambda number: stretches.has_all(number, "phase", origin.phase)
        case "line":
            place = (store.source(origin.file), origin.line)
            return lambda number: stretches.has_all(number, "place", place)
    return None


def _is_stop(stop: Stop) -> str:
    """Say in SQL what ``Event.is_stop`` and ``with_quiet`` say; the unary plus keeps SQLite walking in order of seq."""
    ordinary = f"(+e.kind IN ({_STOP_KINDS}) AND NOT e.flags & 1)"
    return f"({ordinary} OR (e.flags & 1 AND +e.kind IN ({numbers_of('op', 'leaf')})))" if stop.with_quiet else ordinary


def _line(stop: Stop, origin: Event | None) -> Clause:
    if origin is None:
        return _is_stop(stop), ()
    return f"{_is_stop(stop)} AND NOT (s.path IS ? AND t.line IS ?)", (origin.file, origin.line)


def _phase(stop: Stop, origin: Event | None) -> Clause:
    return f"{_is_stop(stop)} AND t.phase <> ?", (origin.phase if origin else "start",)


def _iteration(stop: Stop, origin: Event | None) -> Clause:
    if stop.argument:
        wanted = f"{_is_stop(stop)} AND +e.kind <> {CODES['end']} AND e.iteration = ?"
        return wanted, (min(int(stop.argument), _MAX_INT),)
    return f"{_is_stop(stop)} AND +e.iteration <> ?", (origin.iteration if origin else 0,)


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


_CLAUSES: dict[str, Callable[[Stop, Event | None], Clause]] = {
    "step": lambda stop, origin: (_is_stop(stop), ()),
    "event": lambda stop, origin: ("1", ()),
    # the predicate knows quiet calls
    "into": lambda stop, origin: (f"(+e.kind = {CODES['aten']} OR {_is_stop(stop)})", ()),
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


def _outside(stop: Stop) -> Clause:
    seen = f"({_is_stop(stop)} OR +e.kind IN ({numbers_of(*sorted(TURNS))}))"
    return f"{seen} AND NOT instr('.' || t.scope || '.', ?)", (f".{stop.argument}.",)


def _in_module(store: Store, stop: Stop, position: int, direction: int) -> int | None:
    """Ask the index of sites once for each that has the scope of the module, or one inside of it."""
    pick, compare = ("min", ">") if direction > 0 else ("max", "<")
    query = (
        f"SELECT {pick}((SELECT {pick}(e.seq) FROM event e WHERE e.site = t.id AND e.seq {compare} ?"
        f" AND {_is_stop(stop)})) FROM site t WHERE instr('.' || t.scope || '.', ?)"
    )
    found: int | None = store.db.all(query, position, f".{stop.argument}.")[0][0] if stop.argument else None
    return found


_FIXED = {"position": _at_position, "at": _at_line, "module": _in_module}
_TURNS = tuple(Stop("kind", kind) for kind in sorted(TURNS))
_OTHERS = {"at": (Stop("line"), *_TURNS), "iteration": (Stop("iteration"),)}
"""What stops wherever the script may have left the line, or the iteration, of a stop."""
