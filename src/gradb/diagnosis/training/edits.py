"""Rules about changes that autograd does not see: of saved values, of gradients on their way, of a hook's node."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule, NotJudgedError
from gradb.diagnosis.training.intent import is_ended
from gradb.diagnosis.training.wording import place
from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.saved import NodeSaved, SavedTensor

_MOST_FINDINGS = 20
_MOST_ROWS = 500
_MOST_WRITES = 4
_MOST_NODES = 300
_MOST_BETWEEN = 1000
_CLOSE = 30
_MOST_HOOKS = 1000
_ON_NODES = frozenset({"tensor", "node pre", "node"})


class Unnoticed:
    """G013: a value that a node had saved was another one when its backward used it."""

    def __init__(self, evidence: Evidence) -> None:
        self._tape: Tape = evidence.tape
        self._row = 0
        self._looked = 0
        self._found: dict[tuple[str | None, int | None, str], Finding] = {}

    def see(self, event: Event) -> None:
        """Take in a backward that has ended: what it used is looked at all at once."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each place that saved a value which was changed."""
        for row, node, event in self._tape.reused(self._row):
            self._row = row
            self._looked += 1
            if len(self._found) < _MOST_FINDINGS and self._looked < _MOST_ROWS:
                self._look(node, event)
        return self._found.values()

    def _look(self, node: int, event: int) -> None:
        ends = self._tape.events(event, event + _MOST_BETWEEN)
        end = next((one.seq for one in ends if one.kind == "node" and one.node == node), self._tape.head)
        saved, made = self._tape.saved(node, end), self._tape.node(node)
        maker = None if made is None else self._tape.event(made.event)
        for entry in () if saved is None else saved.tensors:
            if saved is not None and entry.change == "unnoticed" and entry.used is not None:
                key = (None, None, saved.name) if maker is None else (maker.file, maker.line, saved.name)
                self._found.setdefault(key, self._finding(saved, entry, maker, event))

    def _edit(self, entry: SavedTensor, maker: Event | None, event: int) -> Event | None:
        """Return what changed a saved value, where an event shows it."""
        if entry.changed_at or maker is None:
            return self._tape.event(entry.changed_at) if entry.changed_at else None
        names = {f"{name}.data" for name in (entry.variable, entry.view_of) if name}
        for one in self._tape.events(maker.seq + 1, min(event, maker.seq + _MOST_BETWEEN)):
            detail = self._tape.detail(one.seq) if one.kind == "op" and one.is_quiet else None
            if isinstance(detail, OpDetail) and detail.is_inplace and detail.inputs and detail.inputs[0].name in names:
                return one
        return None

    def _finding(self, saved: NodeSaved, entry: SavedTensor, maker: Event | None, event: int) -> Finding:
        change = self._edit(entry, maker, event)
        at = change or maker or self._tape.event(event)
        what = entry.variable or entry.view_of or f"what {saved.name} saved ({entry.name})"
        how = "" if change is None else f" ({change.name} in {place(change, at.file)})"
        message = (
            f"{what} was changed past autograd{how} after {saved.name} in {place(maker, at.file)} had saved it:"
            " its backward used other values than the forward, so the gradient is not that of what was computed"
        )
        steps = [Step(event, f"{saved.name} uses what is there now")]
        if change is not None:
            steps.insert(0, Step(change.seq, "it is changed"))
        if maker is not None:
            steps.insert(0, Step(maker.seq, "the value is saved"))
        names = tuple(name for name in (entry.variable or entry.view_of,) if name)
        return Finding("G013", event, message, at.file, at.line, tuple(steps), names)


@dataclass(frozen=True, slots=True)
class _Write:
    """A gradient that was written into on its way."""

    event: Event
    who: str
    where: str


class Spread:
    """G014: a hook or a custom backward changed a gradient in place that was sent to others too."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._tape = evidence, evidence.tape
        self._writes: list[_Write] = []
        self._nodes: list[tuple[int, int]] = []
        """Nodes that began to run after the first of these, and when."""
        self._found: dict[tuple[str, str], Finding] = {}

    def see(self, event: Event) -> None:
        """Look at what may have written into a gradient, and once a backward is over at where that has come."""
        if event.kind == "node_start":
            if self._writes and event.node is not None and len(self._nodes) < _MOST_NODES:
                self._nodes.append((event.node, event.seq))
        elif event.kind == "backward_end":
            if self._writes:
                self._look_around(event)
            self._writes, self._nodes = [], []
        elif event.kind == "hook" or not event.name[-1:].isdigit():  # torch's own nodes end in a digit
            self._look_at(event)

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each hook or backward that did."""
        return self._found.values()

    def _look_at(self, event: Event) -> None:
        if len(self._writes) >= _MOST_WRITES or len(self._found) >= _MOST_FINDINGS:
            return
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, HookDetail) and detail.has_run and detail.is_inplace:
            self._add(_Write(event, f"hook {detail.function}", detail.where))
        elif isinstance(detail, NodeDetail) and detail.left:
            self._add(_Write(event, f"the backward of {event.name}", ""))

    def _add(self, write: _Write) -> None:
        if (write.who, write.where) not in self._found:
            self._writes.append(write)

    def _look_around(self, end: Event) -> None:
        """Find the nodes at which something else arrived than was sent to them, by one of the writes."""
        writes = {write.event.seq: write for write in self._writes}
        for node, _ in self._nodes:
            chain = self._tape.chain(node, end.seq)
            for rewrite in () if chain is None else chain.rewrites:
                write = writes.get(rewrite.event)
                if write is not None and write.event.node != node:
                    self._found.setdefault((write.who, write.where), self._finding(write, node, rewrite.where, end))

    def _finding(self, write: _Write, node: int, where: str, end: Event) -> Finding:
        known = self._tape.node(node)
        name = "" if known is None or known.tensor is None else self._tape.label(known.tensor, end.seq) or ""
        reached = f"{name}.grad" if name else "another node" if known is None else self._named(known, write.event)
        file, line = self._line(write) or _split(write.where or where, write.event)
        at = f" ({write.where or where})" if write.where or where else ""
        message = f"{write.who}{at} changes in place a gradient that others were sent too: the change reaches {reached}"
        steps = (Step(write.event.seq, "the gradient is written into"),)
        return Finding("G014", write.event.seq, message, file, line, steps, (name,) if name else ())

    def _named(self, node: Node, write: Event) -> str:
        """Return what to call a node: its result, if a variable has that, and its line."""
        event, detail = self._tape.event(node.event), self._tape.detail(node.event)
        outputs = detail.outputs if isinstance(detail, OpDetail) else ()
        name = next((one.name for one in outputs if one.node == node.id and one.name), None)
        return f"{f'{name}, by ' if name else ''}{node.name} of {place(event, write.file)}"

    def _line(self, write: _Write) -> tuple[str | None, int | None] | None:
        """Return the line of the op in the hook or backward that wrote, where it was seen."""
        for event in reversed(list(self._tape.events(max(1, write.event.seq - _CLOSE), write.event.seq))):
            detail = self._tape.detail(event.seq) if event.kind == "op" else None
            if isinstance(detail, OpDetail) and detail.is_inplace and detail.inside is not None:
                return event.file, event.line
        return None


def _split(where: str, event: Event) -> tuple[str | None, int | None]:
    """Return the place that ``file:line`` names in the file of an event, else where the event is."""
    file, _, line = where.rpartition(":")
    if event.file is not None and line.isdecimal() and event.file.endswith(file):
        return event.file, int(line)
    return event.file, event.line


@dataclass(slots=True)
class _Hook:
    """The hooks that one line registers."""

    event: Event
    """The first time."""
    nodes: deque[tuple[int, int]]
    """When, and on which node, the newest few times."""
    count: int = 0
    is_in_order: bool = False
    """True once it has run, or was taken off again."""


class Unreachable:
    """G015: a hook has never run, and never can: nothing refers to the node any more on which it hangs."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._tape = evidence, evidence.tape
        self._hooks: dict[tuple[str, str], _Hook] = {}
        self._backward = 0
        """When the newest backward that raised nothing came to its end."""

    def see(self, event: Event) -> None:
        """Look at a hook that is registered or runs, or at a backward that is over."""
        if event.kind == "backward_end" and not self._hooks:
            return
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, BackwardEndDetail) and not detail.error:
            self._backward = event.seq
        if not isinstance(detail, HookDetail) or event.node is None or len(self._hooks) > _MOST_HOOKS:
            return
        key = (detail.function, detail.where)
        if detail.has_run or detail.kind == "removed":
            self._hooks.setdefault(key, _Hook(event, deque(maxlen=_MOST_WRITES))).is_in_order = True
        elif detail.kind in _ON_NODES:
            hook = self._hooks.setdefault(key, _Hook(event, deque(maxlen=_MOST_WRITES)))
            hook.nodes.append((event.seq, event.node))
            hook.count += 1

    def findings(self) -> Iterable[Finding]:
        """Return one finding a hook."""
        found: list[Finding] = []
        may_run_later = False
        for (name, _), hook in self._hooks.items():
            lost = None if hook.is_in_order else self._lost(hook)
            if lost is not None and len(found) < _MOST_FINDINGS:
                may_run_later |= (is_later := self._may_run_later(hook, lost[1]))
                found += [] if is_later else [self._finding(name, hook, *lost)]
        if may_run_later and not found:
            raise NotJudgedError("the run was ended early: a loss may be computed of the hook's tensor later")
        return found

    def _may_run_later(self, hook: _Hook, node: int) -> bool:
        """Tell whether the hook is registered again and again, in a run that was ended, on what no loss came of yet."""
        return is_ended(self._tape) and hook.count > 1 and self._left(node) is None

    def _lost(self, hook: _Hook) -> tuple[int, int] | None:
        """Return a registration, and its node, after which a backward was run, while now the node is gone."""
        for seq, id_ in hook.nodes:
            node = self._tape.node(id_)
            is_past = node is not None and node.kind != "accumulate" and seq < self._backward
            if is_past and self._tape.gone(id_) is not None:
                return seq, id_
        return None

    def _finding(self, name: str, hook: _Hook, seq: int, node: int) -> Finding:
        at, change = self._tape.event(seq), self._left(node)
        if change is not None:
            why = f"{change.name} in {place(change, at.file)} changed the base of its tensor in place, which gave the"
            why += " tensor another node, and the one that the hook hangs on is gone"
        else:
            why = "no backward came to its tensor after that, and the tensor's node is gone"
        times = f", {hook.count} times so far," if hook.count > 1 else ""
        message = f"hook {name}, registered in {place(at)},{times[1:]} has never run and never can: {why}"
        changed = () if change is None else (Step(change.seq, "the base is changed"),)
        return Finding("G015", seq, message, at.file, at.line, (Step(seq, "the hook is registered"), *changed))

    def _left(self, node: int) -> Event | None:
        """Return the in-place change by which a tensor left its node behind, with its hooks."""
        for event, text in self._tape.lost_hooks():
            if any(left == node for left, _ in json.loads(text)):
                return self._tape.event(event)
        return None


RULES = (
    DiagnosisRule(
        "G013",
        "a saved value was changed past autograd",
        "warning",
        "A node computes its gradient from values that it saved in the forward. A change through .data, NumPy memory or"
        " a fused step raises no version, so autograd does not notice: the gradient is computed of other values, and"
        " nothing says so.",
        "Change tensors with ops of torch's on themselves, which raises an error where that matters, or change a copy.",
        frozenset({"backward_end"}),
        Unnoticed,
    ),
    DiagnosisRule(
        "G014",
        "a gradient was changed in place that others have too",
        "warning",
        "The engine hands one tensor on to several nodes where a gradient is the same for all. Whoever writes into what"
        " it was given changes what the others get.",
        "Return a new tensor from the hook or backward (grad * 2), and write into none that was given.",
        frozenset({"hook", "node", "node_start", "backward_end"}),
        Spread,
    ),
    DiagnosisRule(
        "G015",
        "a hook that can never run",
        "warning",
        "A hook hangs on the node of the tensor that it was registered on. Where no loss is computed of that tensor, or"
        " the hook comes after the backward, or an in-place change has given the tensor another node, no backward comes"
        " to it.",
        "Register the hook on the tensor that the loss is computed of, after its last in-place change and before"
        " backward().",
        frozenset({"hook", "backward_end"}),
        Unreachable,
    ),
)
