"""What the optimizers of a training have and have not: the account that the rules about it share."""

from __future__ import annotations

import re

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.rule import NotJudgedError
from gradb.diagnosis.training.cuts import Known, reaching
from gradb.diagnosis.training.intent import later_optimizer
from gradb.diagnosis.training.ledger import Ledger
from gradb.diagnosis.training.parts import Leaf, Optimizer
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import TensorValue

ENOUGH = 2
"""Iterations, and steps, that have to show it."""
_ENOUGH_CUT = 3
"""Steps without a gradient, where the parameters are used and only cut off."""
_MOST_NODES = 50_000
_NUMBERED = re.compile(r"^(.+?)( \(replaced(?: \d+)?\)| #\d+)$")
_WHOLE = re.compile(r"^(.+)_[gv]$|^(.*)parametrizations\.(\w+)\.original\d+$")
"""How the parts are called of which a normalisation computes what was a parameter: ``weight_g``, ``weight_v``."""


class Membership:
    """What the optimizers have and have not, as far as it was judged; the account that these rules share."""

    def __init__(self, evidence: Evidence) -> None:
        self.tape = evidence.tape
        self.ledger = evidence.account(Ledger)
        self._searched = 0
        self._pointed_at: set[int] = set()
        self._cuts: dict[tuple[object, tuple[int, ...]], dict[int, Event]] = {}

    def see(self, event: Event) -> None:
        """Take in an event: the ledger does."""

    def loose(self) -> list[Leaf]:
        """Return the leaves that backward fills again and again, and that nobody changes: none has an optimizer."""
        leaves = self.ledger.leaves.values()
        if any(leaf.is_given for leaf in leaves):
            return []  # the script moves gradients from one to another, as meta-learning does
        loose = [leaf for leaf in leaves if leaf.iterations >= ENOUGH and not (leaf.optimizers or leaf.changes)]
        awaited = self.ledger.awaited() if loose else set()
        return [leaf for leaf in loose if leaf.id not in awaited]

    def optimizers(self) -> list[Optimizer]:
        """Return the optimizers that have stepped more than once."""
        return [one for one in self.ledger.optimizers.values() if one.steps >= ENOUGH]

    def idle(self) -> list[tuple[Optimizer, list[Leaf]]]:
        """Return the optimizers that never get a gradient, and the leaves that get them and have none.

        No leaves are returned with one that is cut off from every loss.
        """
        found = []
        for optimizer in self.optimizers():
            if optimizer.used or optimizer.is_frozen or any(leaf.fills or leaf.is_given for leaf in optimizer.leaves):
                continue
            others = [leaf for leaf in self.loose() if leaf.is_parameter or not optimizer.leaves[0].is_parameter]
            if others or (optimizer.steps >= _ENOUGH_CUT and self._is_cut(optimizer)):
                found.append((optimizer, others))
        return found

    def cut_off(self, optimizer: Optimizer) -> list[tuple[Leaf, Event]]:
        """Return leaves that never get a gradient though their values reach a loss, each with where it is cut."""
        silent = self.silent(optimizer)
        if not silent or optimizer.steps < _ENOUGH_CUT or optimizer.before is None or optimizer.last is None:
            return []
        key = (optimizer.key, tuple(leaf.id for leaf in silent))
        if key not in self._cuts:
            window = optimizer.before.seq + 1, optimizer.last.seq
            found = reaching(self.tape, self._known(silent, optimizer.before, optimizer.last), *window)
            self._cuts[key] = found
        cuts = self._cuts[key]
        return [(leaf, cuts[leaf.id]) for leaf in silent if leaf.id in cuts]

    def insist_on_all_optimizers(self) -> None:
        """Insist that the script was not ended before it came to an optimizer that may have what no other has.

        Raises:
            NotJudgedError: it was.
        """
        line = later_optimizer(self.tape)
        if line is not None:
            raise NotJudgedError(f"the run was ended before the script came to its optimizer of line {line}")

    def _known(self, leaves: list[Leaf], before: Event, last: Event) -> dict[int, Known | None]:
        """Return what some leaves are told by that have the same value after two steps: nobody updates them by hand."""
        old, new = self._values(before), self._values(last)
        same = {id_: value for id_, value in new.items() if old.get(id_) == value}
        return {
            leaf.id: Known(leaf.name.rpartition(".")[2], same[leaf.id]) if leaf.id in same else None for leaf in leaves
        }

    def _values(self, step: Event) -> dict[int, TensorValue]:
        detail = self.tape.detail(step.seq)
        return {one.id: one.value for one in detail.parameters} if isinstance(detail, StepDetail) else {}

    def silent(self, optimizer: Optimizer) -> list[Leaf]:
        """Return the leaves of an optimizer that require grad and have never got any."""
        return [leaf for leaf in optimizer.leaves if not (leaf.fills or leaf.is_given or leaf.is_frozen)]

    def _is_cut(self, optimizer: Optimizer) -> bool:
        """Tell whether something was computed of its leaves that autograd knows of, while others get gradients."""
        if not any(one.used for one in self.optimizers()):
            return False
        wanted = {leaf.id for leaf in optimizer.leaves}
        if not wanted & self._pointed_at and self._searched < self.tape.head:
            self._search()
        return bool(wanted & self._pointed_at)

    def _search(self) -> None:
        first, self._searched = self._searched + 1, self.tape.head
        for number, node in enumerate(self.tape.nodes(first, self._searched)):
            for edge in node.edges:
                target = None if edge.to is None else self.tape.node(edge.to)
                if target is not None and target.tensor is not None:
                    self._pointed_at.add(target.tensor)
            if number > _MOST_NODES:
                break

    def replaced(self) -> list[tuple[Optimizer, list[tuple[Leaf, Leaf]]]]:
        """Return the optimizers that have leaves in whose place the model has others now, and both of each."""
        loose: dict[str, list[Leaf]] = {}
        for leaf in self.loose():
            loose.setdefault(path(leaf.name), []).append(leaf)
            if (whole := _WHOLE.match(leaf.name)) is not None:
                loose.setdefault("".join(part for part in whole.groups() if part), []).append(leaf)
        found = []
        for optimizer in self.optimizers():
            pairs = [
                (old, new)
                for old in optimizer.leaves
                for new in loose.get(path(old.name), ())
                if _is_in_place_of(new, old, optimizer)
            ]
            if pairs:
                found.append((optimizer, pairs))
        return found


def path(name: str) -> str:
    """Return by which path variables lead to a leaf, or led before that was another's."""
    match = _NUMBERED.match(name)
    return match[1] if match else name


def _is_in_place_of(new: Leaf, old: Leaf, optimizer: Optimizer) -> bool:
    """Tell whether a leaf came after the optimizer was made that still steps the one with its path."""
    if new.first is None or optimizer.last is None or new.first.event.seq > optimizer.last.seq:
        return False
    is_later = "(replaced" in old.name or 0 < optimizer.made < new.event.seq
    return is_later and (old.newest is None or old.newest.event.seq < new.first.event.seq)
