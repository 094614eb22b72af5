"""The ledger of a training: the account of its leaves, backwards and optimizers that the rules about it share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.rule import NotJudgedError
from gradb.diagnosis.training.parts import Backward, Leaf, Optimizer, Use
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import Kind
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail

_MOST_CLEARS = 64
_HARMLESS = ("clip_grad", "GradScaler", "grad.clamp", "grad.clip")
"""How the names of changes begin after which a gradient is still that of the same backwards."""
_FIRST_SEEN = "first seen here"
"""How a leaf is told of that was there before anything told of it."""
_MOST_LEAVES, _MOST_OPTIMIZERS = 20_000, 256
"""More at once no training has: what was made anew in each iteration is gone."""


class Ledger:
    """Who was filled, used and cleared, as far as the events were taken in."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.leaves: dict[int, Leaf] = {}
        """By the tensor's id."""
        self.optimizers: dict[object, Optimizer] = {}
        """Those that have stepped."""
        self.use: Use | None = None
        """The newest step or update by hand."""
        self.backward: Backward | None = None
        """The newest backward."""
        self.clears: dict[tuple[str | None, int | None], tuple[Event, frozenset[int]]] = {}
        """Calls that cleared gradients, by their place: the newest of each, and whose."""
        self.is_watched = False
        """True when some of the run was only watched."""
        self._open: list[Backward] = []
        self._by_node: dict[int, Leaf] = {}
        self._takers: dict[Kind, Callable[[Event], None]] = {
            "leaf": self._leaf,
            "op": self._op,
            "backward_start": self._begin,
            "backward_end": self._end,
            "accumulate": self._accumulate,
            "zero_grad": self._clear,
            "grad_change": self._change,
            "step": self._step,
            "depth": self._depth,
        }

    def see(self, event: Event) -> None:
        """Take in the next event."""
        taker = self._takers.get(event.kind)
        if taker is not None:
            taker(event)

    def named(self, ids: Iterable[int]) -> list[Leaf]:
        """Return leaves by their ids, called as is known by now."""
        leaves = [leaf for id_ in sorted(ids) if (leaf := self.leaves.get(id_)) is not None]
        tape = self._evidence.tape
        for leaf in leaves:
            leaf.name = tape.label(leaf.id, tape.head) or leaf.name
        return leaves

    def awaited(self) -> set[int]:
        """Return the ids of the leaves that optimizers were made with, whether or not these have stepped."""
        found: set[int] = set()
        for number in range(1, _MOST_OPTIMIZERS):
            text = self._evidence.tape.fact(f"optimizer_{number}")
            if text is None:
                break
            try:
                found.update(json.loads(text)[4])
            except (ValueError, TypeError, IndexError, KeyError, RecursionError):
                break
        return found

    def demand(self, steps: int = 0) -> None:
        """Insist on enough to judge by.

        Args:
            steps: how many steps of one optimizer, or iterations, there have to be.

        Raises:
            NotJudgedError: there is not; its text says what is missing.
        """
        done = max((optimizer.steps for optimizer in self.optimizers.values()), default=0)
        if self.is_watched and not any(leaf.fills for leaf in self.leaves.values()):
            raise NotJudgedError("the run was only watched: gradients were not recorded")
        if done < steps and not any(leaf.iterations >= steps for leaf in self.leaves.values()):
            raise NotJudgedError(f"there are fewer than {steps} steps of an optimizer")

    # --- leaves -------------------------------------------------------------------------------------------------------

    def _leaf(self, event: Event) -> None:
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, LeafDetail):
            self._known(detail.tensor, event, detail.how)

    def _known(self, tensor: Tensor, event: Event, how: str = _FIRST_SEEN) -> Leaf:
        leaf = self.leaves.get(tensor.id)
        if leaf is None:
            if len(self.leaves) >= _MOST_LEAVES:
                self._let_go()
            name, is_made = tensor.name or event.name, how != _FIRST_SEEN
            is_parameter = how.endswith("Parameter") or (not is_made and "." in name)
            leaf = self.leaves[tensor.id] = Leaf(tensor.id, name, event, is_parameter, is_made)
        if tensor.name:
            leaf.name = tensor.name
        if tensor.node is not None:
            self._by_node[tensor.node] = leaf
        return leaf

    def _let_go(self) -> None:
        """Forget the older half of the leaves that no optimizer has."""
        idle = [id_ for id_, leaf in self.leaves.items() if not leaf.optimizers]
        for id_ in idle[: len(idle) // 2 + 1]:
            del self.leaves[id_]
        self._by_node = {node: leaf for node, leaf in self._by_node.items() if leaf.id in self.leaves}

    def _op(self, event: Event) -> None:
        """Look at what changes a leaf: its node is the leaf's own."""
        if event.phase == "optimizer" and not event.is_quiet:
            self._update(event)
        elif event.node in self._by_node and event.node is not None:
            leaf = self._by_node[event.node]
            leaf.changes += leaf.fills > 0

    def _update(self, event: Event) -> None:
        """Take note of an update by hand; what an optimizer holds, that one uses."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, OpDetail):
            return
        changed = {tensor.id: leaf for tensor in detail.outputs if (leaf := self.leaves.get(tensor.id)) is not None}
        for leaf in changed.values():
            leaf.changes += 1
        own = [leaf for leaf in changed.values() if not leaf.optimizers and leaf.is_held]
        if own:
            self._used(event, None, own, own)

    # --- backwards ----------------------------------------------------------------------------------------------------

    def _begin(self, event: Event) -> None:
        detail, made = self._evidence.detail(event.seq), 0
        if isinstance(detail, BackwardStartDetail):
            nodes = [self._evidence.tape.node(root.node) for root in detail.roots if root.node is not None]
            made = max((node.event for node in nodes if node is not None and node.kind != "accumulate"), default=0)
        self.backward = Backward(event, made)
        self._open.append(self.backward)

    def _end(self, event: Event) -> None:
        if self._open:
            self._open.pop()

    def _accumulate(self, event: Event) -> None:
        leaf = None if event.node is None else self._by_node.get(event.node)
        if leaf is None:
            leaf = self._found(event)
        if leaf is None or not self._open:
            return
        if leaf.name != event.name:
            leaf.name = event.name
        backward = self._open[-1]
        leaf.fill(backward)
        for optimizer in leaf.optimizers:
            optimizer.reached(backward)

    def _found(self, event: Event) -> Leaf | None:
        """Return a leaf of which no event has told before."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, AccumulateDetail) or detail.after is None or not detail.tensor:
            return None
        tensor = Tensor(detail.tensor, event.name, detail.after, requires_grad=True, node=event.node)
        return self._known(tensor, event)

    # --- what becomes of gradients ------------------------------------------------------------------------------------

    def _clear(self, event: Event) -> None:
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, ZeroGradDetail):
            return
        place = event.file, event.line
        if len(self.clears) < _MOST_CLEARS or place in self.clears:
            self.clears[place] = event, frozenset(change.tensor for change in detail.cleared)
        for change in detail.cleared:
            leaf = self.leaves.get(change.tensor)
            if leaf is not None:
                leaf.clear(event)

    def _change(self, event: Event) -> None:
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, GradChangeDetail) or detail.by.startswith(_HARMLESS):
            return
        for change in detail.changed:
            leaf = self.leaves.get(change.tensor)
            if leaf is not None:
                leaf.forget()
                leaf.is_held = True
                leaf.is_given |= "=" in detail.by or "copy_" in detail.by

    def _step(self, event: Event) -> None:
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, StepDetail) or not detail.parameters:
            return
        optimizer = self._optimizer(event, detail)
        if detail.skipped:
            self.use = None
            return
        found = zip(optimizer.leaves, detail.gradients or [None] * len(optimizer.leaves), strict=False)
        used = [leaf for leaf, gradient in found if gradient is not None and leaf.is_held]
        self._used(event, optimizer, optimizer.leaves, used)
        optimizer.steps += 1
        optimizer.used += any(gradient is not None for gradient in detail.gradients)
        optimizer.is_frozen = not any(tensor.requires_grad for tensor in detail.parameters)
        optimizer.before, optimizer.last = optimizer.last, event
        optimizer.stale = optimizer.fresh = 0
        optimizer.newest = None

    def _optimizer(self, event: Event, detail: StepDetail) -> Optimizer:
        """Return the optimizer of a step, with the leaves that it has now."""
        maker, ids = detail.maker, tuple(tensor.id for tensor in detail.parameters)
        key = maker.number if maker is not None else (detail.optimizer, ids)
        optimizer = self.optimizers.get(key)
        if optimizer is None:
            if len(self.optimizers) >= _MOST_OPTIMIZERS:
                self._drop(next(iter(self.optimizers)))
            label = detail.optimizer if maker is None else maker.label
            place = (None, None, 0) if maker is None else (maker.file, maker.line, maker.event)
            optimizer = self.optimizers[key] = Optimizer(key, detail.optimizer, label, *place)
        if ids != tuple(leaf.id for leaf in optimizer.leaves):
            optimizer.leaves = [self._known(tensor, event) for tensor in detail.parameters]
            optimizer.twice = [leaf for leaf in dict.fromkeys(optimizer.leaves) if ids.count(leaf.id) > 1]
            for leaf in optimizer.leaves:
                if optimizer not in leaf.optimizers:
                    leaf.optimizers.append(optimizer)
        for leaf, tensor in zip(optimizer.leaves, detail.parameters, strict=True):
            leaf.is_frozen = not tensor.requires_grad
            if tensor.name and leaf.name != tensor.name:
                leaf.name = tensor.name
        return optimizer

    def _drop(self, key: object) -> None:
        """Forget an optimizer."""
        optimizer = self.optimizers.pop(key)
        for leaf in self.leaves.values():
            if optimizer in leaf.optimizers:
                leaf.optimizers.remove(optimizer)

    def _used(self, event: Event, optimizer: Optimizer | None, leaves: list[Leaf], used: list[Leaf]) -> None:
        discarded = [leaf.discarded for leaf in leaves if leaf.discarded is not None]
        reused = [leaf for leaf in used if leaf.use(event)]
        seen = (0, 0, None) if optimizer is None else (optimizer.stale, optimizer.fresh, optimizer.newest)
        self.use = Use(event, optimizer, leaves, used, reused, discarded, *seen)
        for leaf in leaves:
            leaf.discarded = None

    # --- what is not known --------------------------------------------------------------------------------------------

    def _depth(self, event: Event) -> None:
        """Begin anew where everything is recorded again: what was only watched is not known."""
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, DepthDetail):
            self.is_watched |= detail.depth != "full"
            self._open.clear()
            for leaf in self.leaves.values():
                leaf.forget()
            for optimizer in self.optimizers.values():
                optimizer.last = optimizer.before = optimizer.newest = None
                optimizer.stale = optimizer.fresh = 0
