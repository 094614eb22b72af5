"""Rules about graphs that are kept: from iteration to iteration, and for a second backward that never comes."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.intent import within
from gradb.diagnosis.training.wording import place
from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail

_ENOUGH = 4
"""Borders between iterations that a graph has to cross, where it crosses all of them."""
_ENOUGH_BESIDE_CUTS = 24
"""The same where such graphs were cut now and then, as truncated backpropagation does."""
_MOST_NODES = 50_000
_KEPT = 32
_MOST_PLACES = 256
_PENDING = 8
_ENOUGH_RETAINED = 3


@dataclass(slots=True)
class _Link:
    """A place whose ops go on from the graph of an iteration before."""

    newest: int
    """The newest iteration in which one did, as they are counted here."""
    length: int = 1
    """Iterations in a row, up to that one."""
    cuts: int = 0
    """How often they did not go on."""


class Growing:
    """G007: the graph goes on from iteration to iteration and is never cut."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._tape = evidence, evidence.tape
        self._iteration = self._count = 0
        self._newest = 0
        self._border = 0
        """Nodes up to this one are of iterations before."""
        self._borders: deque[int] = deque(maxlen=_KEPT)
        self._links: dict[tuple[str, str | None, int | None, int | None], _Link] = {}
        self._found: Finding | None = None

    def see(self, event: Event) -> None:
        """Look at an op whether it goes on from an older graph."""
        if self._found is not None or event.node is None:
            return
        if event.iteration != self._iteration:
            self._iteration, self._border = event.iteration, self._newest
            self._count += 1
            self._borders.append(self._border)
        first, self._newest = self._newest + 1, max(self._newest, event.node)
        if self._border:
            old = [id_ for made in range(first, event.node + 1) for id_ in self._before(made)]
            if old:
                self._go_on(event, old)

    def findings(self) -> Iterable[Finding]:
        """Return what is found, once."""
        return [] if self._found is None else [self._found]

    def _before(self, id_: int) -> list[int]:
        """Return the nodes of iterations before that a node has edges to."""
        node = self._tape.node(id_)
        return [] if node is None else [edge.to for edge in node.edges if edge.to is not None and self._is_old(edge.to)]

    def _is_old(self, id_: int) -> bool:
        """Tell whether a node is of an iteration before, and no leaf's."""
        if id_ > self._border:
            return False
        node = self._tape.node(id_)
        return node is not None and node.kind != "accumulate"

    def _go_on(self, event: Event, old: list[int]) -> None:
        kept = {bisect_left(self._borders, id_): id_ for id_ in old}
        if len(kept) > _ENOUGH:
            self._found = self._finding_of_many(event, sorted(kept.values()))
            return
        place_of = (event.name, event.file, event.line, event.column)
        link = self._links.get(place_of)
        if link is None:
            if len(self._links) < _MOST_PLACES:
                self._links[place_of] = _Link(self._count)
            return
        if link.newest == self._count:
            return
        is_unbroken = link.newest == self._count - 1
        link.length = link.length + 1 if is_unbroken else 1
        link.cuts += not is_unbroken
        link.newest = self._count
        enough = _ENOUGH_BESIDE_CUTS if link.cuts else _ENOUGH
        if link.length < enough or event.node is None:
            return
        count, oldest = _reach(self._tape, event.node)
        if oldest <= self._borders[-min(enough, len(self._borders))]:
            self._found = self._finding(event, count, oldest)
        else:
            link.length = 0  # each goes on from one before, and that from none

    def _finding(self, event: Event, count: int, oldest: int) -> Finding:
        detail, node = self._evidence.detail(event.seq), self._tape.node(oldest)
        made = None if node is None else self._tape.event(node.event)
        names: tuple[str, ...] = ()
        if isinstance(detail, OpDetail):
            old = [one.name for one in detail.inputs if one.name and one.node is not None and self._is_old(one.node)]
            names = tuple(old) or tuple(one.name for one in detail.outputs if one.name)
        what = names[0] if names else "what is computed here"
        since = "" if made is None else f" since iteration {made.iteration} ({place(made, event.file)})"
        message = f"{what} carries the graph of every iteration{since} along: {count} nodes by now, and more with each"
        oldest_step = () if made is None else (Step(made.seq, "the oldest node of it"),)
        steps = (*oldest_step, Step(event.seq, "the graph goes on from the iteration before"))
        return Finding("G007", event.seq, message, event.file, event.line, steps, names[:1])

    def _finding_of_many(self, event: Event, old: list[int]) -> Finding:
        """Tell of what was kept of many iterations, each with its graph, and came together in one op."""
        nodes = [node for id_ in old if (node := self._tape.node(id_)) is not None]
        first, last = (self._tape.event(node.event) for node in (nodes[0], nodes[-1]))
        message = (
            f"what {place(last)} computes was kept with its graph over {len(old)} iterations:"
            f" {event.name} in {place(event, last.file)} goes on from all of them"
        )
        steps = (Step(first.seq, "the oldest that is kept"), Step(event.seq, "all come together"))
        return Finding("G007", event.seq, message, last.file, last.line, steps)


def _reach(tape: Tape, root: int) -> tuple[int, int]:
    """Return how many nodes a node leads to, leaves aside, and the oldest of them."""
    stack, seen, oldest = [root], {root}, root
    while stack and len(seen) < _MOST_NODES:
        node = tape.node(stack.pop())
        if node is None or node.kind == "accumulate":
            continue
        oldest = min(oldest, node.id)
        for edge in node.edges:
            if edge.to is not None and edge.to not in seen:
                seen.add(edge.to)
                stack.append(edge.to)
    return len(seen), oldest


@dataclass(slots=True)
class _Retaining:
    """The backwards of one line that kept their graphs."""

    event: Event
    """The first."""
    count: int = 0
    is_needed: bool = False


class Retained:
    """G055: retain_graph=True, and no backward goes through the graph again."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._places: dict[tuple[str | None, int | None], _Retaining] = {}
        self._pending: deque[tuple[_Retaining, frozenset[int]]] = deque(maxlen=_PENDING)

    def see(self, event: Event) -> None:
        """Look at a backward: which graphs before it goes through, and whether it keeps its own."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, BackwardStartDetail):
            return
        own = self._own(detail) if self._pending or detail.retain_graph else frozenset()
        for retaining, nodes in self._pending:
            retaining.is_needed |= not own.isdisjoint(nodes)
        if detail.retain_graph and not detail.create_graph:
            retaining = self._places.setdefault((event.file, event.line), _Retaining(event))
            retaining.count += 1
            self._pending.append((retaining, own))

    def findings(self) -> Iterable[Finding]:
        """Return one finding a line."""
        idle = [one for one in self._places.values() if not one.is_needed and one.count >= _ENOUGH_RETAINED]
        return [self._finding(one) for one in idle]

    def _own(self, detail: BackwardStartDetail) -> frozenset[int]:
        """Return the nodes of a backward that hold tensors: only these need to be kept."""
        nodes = ((id_, self._evidence.tape.node(id_)) for id_ in detail.nodes)
        return frozenset(id_ for id_, node in nodes if node is not None and node.kind != "accumulate")

    def _finding(self, found: _Retaining) -> Finding:
        event = found.event
        message = (
            f"retain_graph=True in {place(event)} keeps every graph, {found.count} so far, and no backward has gone"
            f" through one of them again{within(self._evidence.tape)}"
        )
        return Finding("G055", event.seq, message, event.file, event.line)


RULES = (
    DiagnosisRule(
        "G007",
        "the graph grows from iteration to iteration",
        "warning",
        "A tensor that is carried over with its graph (a running loss, a hidden state) keeps the graphs of all"
        " iterations before alive, with what their nodes hold. Memory grows until there is none, and a backward that"
        " goes through it takes longer each time.",
        "Carry over numbers: loss.item() for a running loss, hidden.detach() for a state or for what is collected.",
        frozenset({"op"}),
        Growing,
    ),
    DiagnosisRule(
        "G055",
        "retain_graph=True that nobody needs",
        "hint",
        "The graph and what its nodes hold is kept for another backward, which never comes. That costs memory, and it"
        " hides the error that a second backward by mistake would raise.",
        "Leave retain_graph=True out.",
        frozenset({"backward_start"}),
        Retained,
        f"no second backward in {_ENOUGH_RETAINED} or more calls",
    ),
)
