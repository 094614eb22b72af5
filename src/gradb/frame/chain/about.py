"""Which node a position is about: the one that runs or has just run, or that an op has just made.

A leaf, an op that leaves no node, a step and what is done to gradients outside of a backward are about none: what ran
before them is over. What is printed, noted or stopped at is about what the event before it was about; an error after
an op that left no node is about the node that was made last: there the way back ends.
"""

from __future__ import annotations

from gradb.frame.chain.remarks import returned_by_grad
from gradb.frame.graph.runs import Runs
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import numbers_of

_OF_NODES = frozenset({"node_start", "node", "accumulate", "aten", "hook", "probe"})
_BESIDE = numbers_of("output", "error", "note", "end", "breakpoint", "print", "intervention", "depth")
_TELLING = f"SELECT seq FROM event WHERE seq <= ? AND kind NOT IN ({_BESIDE}) ORDER BY seq DESC LIMIT 1"
_MADE = "SELECT id FROM node WHERE event = ? AND kind <> 'accumulate' ORDER BY id DESC LIMIT 1"
_NEWEST = "SELECT id, event FROM node WHERE event <= ? AND kind <> 'accumulate' ORDER BY event DESC, id DESC LIMIT 1"


def node_at(store: Store, runs: Runs, position: int) -> int | None:
    """Return the node that a position is about; None where it is about none."""
    found = store.db.one(_TELLING, position) if position else None
    if found is None:
        return None
    node = _told(store, runs, store.event(int(found[0])))
    return _made_since(store, position) if node is None and store.event(position).kind == "error" else node


def _told(store: Store, runs: Runs, event: Event) -> int | None:
    """Return the node that an event is about, which is none of those beside."""
    if event.kind in _OF_NODES and event.node is not None:
        return event.node
    if event.kind == "backward_start":
        return _root(runs, event)
    if event.kind in {"op", "backward_end"}:
        made = returned_by_grad(store, event.seq) or _made(store, event)
        if made is not None:
            return made
    if event.phase != "backward" or event.kind == "leaf":
        return None
    ran, begun = _newest_run(store, event.seq), store.latest("backward_start", event.seq) or 0
    return store.event(ran).node if ran > begun else None


def _made(store: Store, event: Event) -> int | None:
    """Return the newest node that an op has made."""
    row = store.db.one(_MADE, event.seq)
    return None if row is None else int(row[0])


def _root(runs: Runs, event: Event) -> int | None:
    """Return the node that a backward begins at."""
    backward = runs.backward(event.seq)
    return next((one.node for one in backward.roots if one.node is not None), None) if backward is not None else None


def _made_since(store: Store, position: int) -> int | None:
    """Return the newest node that was made after the last one had run."""
    row = store.db.one(_NEWEST, position)
    return int(row[0]) if row is not None and row[1] > _newest_run(store, position) else None


def _newest_run(store: Store, position: int) -> int:
    """Return the event at which a node has run last; 0: none has."""
    return max(store.latest(kind, position) or 0 for kind in ("node_start", "node", "accumulate"))
