"""Rules about what comes when: clearing, backward and step in an order in which no step sees its own gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.ledger import Ledger
from gradb.diagnosis.training.parts import Backward, Leaf, Optimizer, Use
from gradb.diagnosis.training.wording import called, group, names_of, place
from gradb.tape.kinds.event import Event

_ENOUGH = 2
"""Steps that have to show a fault that every step has."""
_ENOUGH_BESIDE_CLEARS = 3
"""The same where gradients are cleared now and then."""


@dataclass(slots=True)
class _Carried:
    """Gradients that were carried from step to step."""

    use: Use
    """The step that showed it."""
    leaves: dict[int, Leaf]
    origin: Event
    """The step whose gradients were the first not to be cleared."""
    backward: Backward
    """What was added to them then."""


class Forgotten:
    """G004: a step uses gradients that steps before have used, step after step."""

    def __init__(self, evidence: Evidence) -> None:
        self._tape = evidence.tape
        self._ledger = evidence.account(Ledger)
        self._found: dict[object, _Carried] = {}

    def see(self, event: Event) -> None:
        """Look at a step, or an update by hand."""
        use = self._ledger.use
        if use is None or use.event is not event or not use.reused:
            return
        for leaf in use.reused:
            enough = _ENOUGH_BESIDE_CLEARS if leaf.is_cleared_between else _ENOUGH
            if leaf.reuses >= enough and leaf.origin is not None and leaf.newest is not None:
                key = None if use.optimizer is None else use.optimizer.key
                found = self._found.get(key)
                if found is None:
                    found = self._found[key] = _Carried(use, {}, leaf.origin, leaf.newest)
                found.leaves[leaf.id] = leaf

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each optimizer, and one for updates by hand."""
        self._ledger.demand(_ENOUGH + 1)
        return [self._finding(found) for found in self._found.values()]

    def _finding(self, found: _Carried) -> Finding:
        use, leaves = found.use, self._ledger.named(found.leaves)
        first = self._tape.event(found.origin.seq).iteration
        who = "the update" if use.optimizer is None else f"the step of {called(use.optimizer)}"
        backward = found.backward.event
        message = (
            f"the gradients of {group(leaves)} are not cleared between steps: since iteration {first} backward in"
            f" {place(backward, use.event.file)} adds to what {who} has used already{self._why(found)}"
        )
        steps = (
            Step(found.origin.seq, "a step uses the gradients"),
            Step(backward.seq, "backward adds to them"),
            Step(use.event.seq, "a step uses the sum"),
        )
        return Finding("G004", use.event.seq, message, use.event.file, use.event.line, steps, names_of(leaves))

    def _why(self, found: _Carried) -> str:
        """Say what is cleared instead, or when."""
        ids = found.leaves.keys()
        before = [call for call, cleared in self._ledger.clears.values() if ids & cleared]
        others = [(call, cleared) for call, cleared in self._ledger.clears.values() if not ids & cleared]
        file = found.use.event.file
        if before:
            call = max(before, key=lambda event: event.seq)
            return f"; {call.name} in {place(call, file)} clears them too seldom"
        if others:
            call, cleared = max(others, key=lambda pair: pair[0].seq)
            leaves = self._ledger.named(cleared)
            return f"; {call.name} in {place(call, file)} clears {group(leaves)} instead" if leaves else ""
        return "; nothing clears them"


@dataclass(slots=True)
class _Order:
    """The steps of one optimizer, as far as each of them came in the wrong order."""

    first: Use
    """The first that did."""
    count: int = 0
    is_broken: bool = False
    """True once a step came in the right order."""


class Discarded:
    """G005: each step finds that what backward computed for it was cleared."""

    def __init__(self, evidence: Evidence) -> None:
        self._ledger = evidence.account(Ledger)
        self._orders: dict[object, _Order] = {}

    def see(self, event: Event) -> None:
        """Look at a step."""
        use = self._ledger.use
        if use is None or use.event is not event or use.optimizer is None:
            return
        order = self._orders.setdefault(use.optimizer.key, _Order(use))
        is_lost = bool(use.discarded) and not use.used and not use.stale
        order.count += is_lost
        order.is_broken |= not is_lost

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each optimizer that has never seen a gradient for that reason."""
        self._ledger.demand(_ENOUGH)
        orders = [order for order in self._orders.values() if not order.is_broken and order.count >= _ENOUGH]
        return [self._finding(order.first, order.first.optimizer) for order in orders if order.first.optimizer]

    def _finding(self, use: Use, optimizer: Optimizer) -> Finding:
        backward, clear = use.discarded[0]
        file = clear.file
        message = (
            f"{called(optimizer)} never sees a gradient: {clear.name} in {place(clear, file)} clears what backward in"
            f" {place(backward.event, file)} has computed, before the step in {place(use.event, file)} can use it"
        )
        steps = (
            Step(backward.event.seq, "backward computes gradients"),
            Step(clear.seq, "they are cleared"),
            Step(use.event.seq, "the step finds none"),
        )
        return Finding("G005", use.event.seq, message, file, clear.line, steps, names_of(optimizer.leaves))


class Premature:
    """G006: each step comes between a forward and its backward, and uses the gradients of the one before."""

    def __init__(self, evidence: Evidence) -> None:
        self._ledger = evidence.account(Ledger)
        self._orders: dict[object, _Order] = {}
        self._idle: dict[object, bool] = {}

    def see(self, event: Event) -> None:
        """Look at a step."""
        use = self._ledger.use
        if use is None or use.event is not event or use.optimizer is None:
            return
        key = use.optimizer.key
        if key not in self._idle:
            self._idle[key] = not use.used
            return
        order = self._orders.setdefault(key, _Order(use))
        is_early = use.stale > 0 and not (use.fresh and use.used)
        order.count += is_early
        order.is_broken |= not is_early

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each optimizer of which all steps but the first came too early."""
        self._ledger.demand(_ENOUGH)
        orders = [
            order
            for key, order in self._orders.items()
            if not order.is_broken and order.count >= (1 if self._idle[key] else _ENOUGH)
        ]
        return [self._finding(order.first, order.first.optimizer) for order in orders if order.first.optimizer]

    def _finding(self, use: Use, optimizer: Optimizer) -> Finding:
        file, backward = use.event.file, None if use.backward is None else use.backward.event
        what = "uses the gradients of the iteration before" if use.used else "finds no gradients"
        where = f"{place(use.event, file)} before backward in {place(backward, file)}"
        message = f"{called(optimizer)} steps in {where}: each step {what}"
        before = () if backward is None else (Step(backward.seq, "backward of the iteration before"),)
        steps = (*before, Step(use.event.seq, "the step comes first"))
        return Finding("G006", use.event.seq, message, file, use.event.line, steps, names_of(optimizer.leaves))


RULES = (
    DiagnosisRule(
        "G004",
        "gradients are not cleared between steps",
        "warning",
        "backward() adds to .grad. Where nothing clears it between two steps, each step moves by the sum of all"
        " gradients so far, most of which belong to parameters that have changed since. Sums over several backwards"
        " before one step are no fault.",
        "Call optimizer.zero_grad() once in each iteration, before backward() or after step().",
        frozenset({"step", "op"}),
        Forgotten,
    ),
    DiagnosisRule(
        "G005",
        "zero_grad between backward and step",
        "warning",
        "What backward() has computed is thrown away before the optimizer looks at it. The step finds None or zeros,"
        " and the parameters never change by their gradients.",
        "Move zero_grad() before backward(), or after step().",
        frozenset({"step"}),
        Discarded,
    ),
    DiagnosisRule(
        "G006",
        "step before backward",
        "warning",
        "The step is made between the forward and its backward. So it uses gradients of the iteration before, or none,"
        " and changes parameters that backward still needs as they were.",
        "Call step() after backward().",
        frozenset({"step"}),
        Premature,
    ),
)
