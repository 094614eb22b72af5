"""Where values go on to a loss and gradients do not come back: followed op by op over a few events."""

from __future__ import annotations

from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail

_MOST_EVENTS = 20_000
_MOST_OPS = 4_000


def reaching(tape: Tape, wanted: set[int], first: int, last: int) -> dict[int, Event]:
    """Return, of some leaves, where the graph is cut between them and what a backward goes through.

    Args:
        tape: that is looked at.
        wanted: ids of leaves that no backward reaches.
        first: event from which on an iteration is followed.
        last: its last event.
    """
    events = list(tape.events(first, min(last, first + _MOST_EVENTS)))
    run = _run(tape, events)
    ops = [event for event in events if event.kind == "op" and event.phase == "forward"]
    follower = _Follower(wanted, run)
    for event in ops[:_MOST_OPS] if run else ():
        detail = tape.detail(event.seq)
        if isinstance(detail, OpDetail):
            follower.take(event, detail)
    return follower.found


def _run(tape: Tape, events: list[Event]) -> set[int]:
    """Return the nodes that the backwards among some events go through."""
    found: set[int] = set()
    for event in events:
        detail = tape.detail(event.seq) if event.kind == "backward_start" else None
        if isinstance(detail, BackwardStartDetail):
            found.update(detail.nodes)
    return found


class _Follower:
    """Follows values from leaves, op by op.

    Args:
        wanted: the leaves.
        run: the nodes that count as reached.
    """

    def __init__(self, wanted: set[int], run: set[int]) -> None:
        self._run = run
        self._sources: dict[int, frozenset[int]] = {leaf: frozenset({leaf}) for leaf in wanted}
        """Of what is computed of the leaves, by tensor: of which."""
        self._cuts: dict[int, Event] = {}
        """The op at which such a tensor, or what it was computed of, lost its graph."""
        self.found: dict[int, Event] = {}

    def take(self, event: Event, detail: OpDetail) -> None:
        """Take in an op."""
        given = [one for one in detail.inputs if one.id in self._sources]
        if not given:
            return
        sources = frozenset().union(*(self._sources[one.id] for one in given))
        cut = next((self._cuts[one.id] for one in given if one.id in self._cuts), None)
        if cut is not None and not self._run.isdisjoint(detail.nodes):
            for leaf in sources:
                self.found.setdefault(leaf, cut)
        is_cut = any(one.node is not None for one in given)
        for made in detail.outputs:
            if made.id:
                self._sources[made.id] = sources
                if cut is not None or (is_cut and made.node is None):
                    self._cuts[made.id] = cut or event
