"""What the names in an expression mean at a position of a tape.

They are variables on the tape, ``event``, ``upstream``, ``local``, ``downstream``, ``loss`` and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gradb.algebra.local import Local
from gradb.debugger.suggestion import did_you_mean
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.conditions import TapePoints
from gradb.frame.reader import Tape
from gradb.frame.training import nonfinite
from gradb.present.lines.unseen import only_watched
from gradb.rules import examined
from gradb.tape import lineage
from gradb.tape.conditions.newest import SeriesName
from gradb.tape.expressions.faults import NoName, NoValue
from gradb.tape.expressions.measures import update_of
from gradb.tape.expressions.names import WORDS
from gradb.tape.expressions.operands import EventView, Numbers, OnsetView, Operand, Unkept, tensor
from gradb.tape.expressions.variables import quoted
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import TensorValue


class TapeNames:
    """Names at one position of a tape, 0 to its head."""

    def __init__(self, tape: Tape, position: int) -> None:
        self._tape = tape
        self._position = position

    def means(self, path: str) -> bool:
        """Tell whether a tensor is called so, in full or as the end of the one path that ends so."""
        return self._tape.means(path, self._position)

    def tensor(self, path: str) -> Operand:
        """Return the newest recorded value of the tensor that is called so."""
        self._need(path)
        value = self._tape.lookup(path, self._position)
        if value is not None and value.stats is not None and value.stats.norm is None:  # of an older tape
            return replace(tensor(value), norm=self._norm(path, value))
        return tensor(value)

    def _norm(self, path: str, value: TensorValue) -> float | None:
        """Return the norm of a parameter, where its value is that which a step has left."""
        found = self._tape.tensor(path, self._position)
        left = None if found is None else self._tape.appearance(found, self._position)
        if found is None or left is None or left.value != value:
            return None
        name, event = self._tape.label(found, self._position), self._tape.defined_at(found, self._position)
        for one in self._tape.series:
            if one.kind == "parameter_norm" and one.name == name and (count := one.until(self._position)):
                return one.values[count - 1] if one.events[count - 1] == event else None
        return None

    def grad(self, path: str) -> Operand:
        """Return the ``.grad`` of the tensor that is called so."""
        self._need(path)
        return tensor(self._tape.grad(path, self._position))

    def word(self, name: str) -> Operand:
        """Return what a name means that stands alone."""
        if name == "event" and self._position:
            here, tape = self._position, self._tape
            return EventView(tape.event(here), tape.detail(here), tape.called(here))
        if name == "event":
            raise NoValue("there is no event here: this is the start")
        if name in _CHAIN:
            return self._chain(name)
        if name in _WORDS and name not in self._tape.names(self._position):
            return _WORDS[name](self._tape, self._position)
        return self.tensor(name)

    def lack(self, path: str) -> str:
        """Say why what a path means is None or empty, where it is that because it is not known; else nothing."""
        if path in _CHAIN:
            chain = self._tape.chain_at(self._position)
            if chain is None or chain.state not in {"created", "pending"}:
                return ""
            return f"there is no {path} here: {chain.node_name} has not run"
        owner, _, last = path.rpartition(".")
        is_grad = last == "grad" and bool(owner) and self.means(owner)  # which None is a value of
        return f"no value of {path} was recorded" if path and not is_grad and self.means(path) else ""

    def _need(self, path: str) -> None:
        if not self.means(path):
            close = did_you_mean(path, (*self._tape.names(self._position), *WORDS))
            here = f"at position {self._tape.called(self._position)}"
            raise NoName(f"no tensor is called {quoted(path)} {here}{close}{self._unseen()}")

    def _chain(self, name: str) -> Operand:
        chain = self._tape.chain_at(self._position)
        if chain is None:
            raise NoValue(f"there is no {name} here: {self._nodeless()}")
        return _CHAIN[name](chain)

    def _nodeless(self) -> str:
        """Say of a position that it is about no node."""
        if not self._position:
            return "this is the start"
        event = self._tape.event(self._position)
        return f"event {self._tape.called(self._position)} ({event.kind} {event.name}) is about no node{self._unseen()}"

    def _unseen(self) -> str:
        """Say that more may be there, where the script was only watched."""
        here = self._position
        words = only_watched(self._tape.training(here, self._tape.event(here).iteration)) if here else ""
        return words and f"; {words}"


def _only(items: Sequence[Operand]) -> Operand:
    """Return the one item itself, or the list of several."""
    return items[0] if len(items) == 1 else list(items)


def _edges(chain: Chain) -> list[ChainEdge]:
    return [edge for edge in chain.edges if edge.to is not None]


def _upstream(chain: Chain) -> Operand:
    """Return dL/d(output): one value, or a list where the node has several outputs."""
    return _only([tensor(value) for value in chain.upstream])


def _downstream(chain: Chain) -> Operand:
    """Return dL/d(input): one value, or a list where several edges lead on."""
    return _only([tensor(edge.downstream) for edge in _edges(chain)])


def _locals(chain: Chain) -> Operand:
    """Return the local derivative: one value, or a list where several edges lead on."""
    return _only([_local(edge.local) for edge in _edges(examined(chain))])


def _local(value: Local) -> Operand:
    name = value.structure
    if name == "unknown" or value.values is None:
        return Unkept((value.rows, value.columns), "", value.note or "it was not measured")
    if name in {"identity", "zero"}:
        return Numbers((), (1 if name == "identity" else 0,), "float64", name)
    if name in {"scalar", "sum", "expansion"}:
        return Numbers((), value.values[:1], "float64", name)
    shape = (len(value.values),) if name == "diagonal" else (value.rows, value.columns)
    return Numbers(shape, value.values, "float64", name)


def _newest(kind: SeriesName, missing: str) -> Callable[[Tape, int], Operand]:
    """Return what reads the newest point of all series of a kind, as a condition does."""

    def read(tape: Tape, position: int) -> Operand:
        found = TapePoints(tape.series).latest(kind, position)
        if found is None:
            raise NoValue(missing)
        return Numbers((), (found,), "float32")

    return read


def _update(tape: Tape, position: int) -> Operand:
    """Return how much the last step has changed its parameters."""
    seq = tape.latest("step", position)
    if seq is None:
        raise NoValue("there is no update yet: no optimizer has made a step")
    detail = tape.detail(seq)
    found = update_of(detail) if isinstance(detail, StepDetail) else None
    if found is None:
        missing = "nobody had asked for it before (see --updates), and not every parameter was kept whole"
        raise NoValue(f"the update of the step at event {tape.called(seq)} is not known: {missing}")
    return found


def _iteration(tape: Tape, position: int) -> int:
    return tape.event(position).iteration if position else 0


def _phase(tape: Tape, position: int) -> str:
    return tape.event(position).phase if position else "start"


def _first_nonfinite(tape: Tape, position: int) -> Operand:
    """Return where a loss or a gradient norm was first not finite, up to a position; None where none was."""
    lived = lineage.read(tape.fact(lineage.KEY))
    if lived is not None and lived.first > 1:
        raise NoValue(f"this is the tape of iterations lived again: it has no losses from before {lived.first:,}")
    series = [one for one in tape.series if one.kind in {"loss", "grad_norm"}]
    hits = [hit for one in series if (hit := nonfinite(one)) is not None and hit.event <= position]
    first = min(hits, key=lambda hit: hit.event, default=None)
    if first is None:
        return None
    return OnsetView(first.iteration, first.event, first.value, first.series.kind, first.series.label)


_CHAIN: dict[str, Callable[[Chain], Operand]] = {
    "upstream": _upstream,
    "local": _locals,
    "downstream": _downstream,
}
_WORDS: dict[str, Callable[[Tape, int], Operand]] = {
    "loss": _newest("loss", "there is no loss yet: no backward has begun"),
    "grad_norm": _newest("grad_norm", "there is no grad_norm yet: no optimizer has made a step"),
    "update": _update,
    "iteration": _iteration,
    "phase": _phase,
    "first_nonfinite": _first_nonfinite,
}
