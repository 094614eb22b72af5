"""The reader of a tape: the one door through which debugger, panes, rules and commands see a run.

Read-only. Everything it answers for a position is a pure function of (tape, position). It never imports torch and knows
nothing of screens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Self

from gradb.frame import search
from gradb.frame.build import Frames, fact, run_info
from gradb.frame.called import Called
from gradb.frame.chain.chain import Chains
from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame, RunInfo
from gradb.frame.gaps import Gaps
from gradb.frame.graph.graph import Graphs
from gradb.frame.graph.runs import Runs
from gradb.frame.inventory import Inventory
from gradb.frame.lesson.lessons import Lessons
from gradb.frame.naming import Naming
from gradb.frame.origins import Origins
from gradb.frame.steps import Steps, finished
from gradb.frame.store import Store
from gradb.frame.training import Training
from gradb.tape.admission import connect
from gradb.tape.database import TapeError
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.registry import Detail, Kind
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.missing import Gap, Stopped, read_faults
from gradb.tape.saved import NodeSaved, SavedRecord
from gradb.tape.series import Series
from gradb.tape.stops import Stop
from gradb.tape.values import TensorValue
from gradb.tape.written import Writes, read as read_writes

__all__ = ["Tape", "TapeError"]

_BATCH = 500


class Tape:
    """One run, recorded or being recorded. Make it with ``Tape.open``."""

    def __init__(self, path: str, store: Store) -> None:
        self.path = path
        self._store = store
        self._naming, self._gaps = Naming(store), Gaps(store)
        graphs = Graphs(store, self._naming, Runs(store))
        self._chains = Chains(graphs)
        self._frames = Frames(store, self._naming, graphs, self._chains)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, is_over: bool = False) -> Tape:
        """Open a tape file, finished or still being written.

        Args:
            path: of the file.
            is_over: whether a tape without an end is to be told of as one that was cut off.

        Raises:
            TapeError: with one sentence for the user, when it is not a tape that can be read.
        """
        store = Store(connect(path))
        store.is_over = is_over
        return cls(os.fspath(path), store)

    def end_at(self, stopped: Stopped) -> None:
        """Take note that a recording that goes on by what is on the tape has ended."""
        self._store.stopped = stopped

    def call(self, called: Called) -> None:
        """Have events called something else than by their numbers."""
        self._store.called = called

    @property
    def called(self) -> Called:
        """What events are called."""
        return self._store.called

    def close(self) -> None:
        """Close the file."""
        self._store.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the run ------------------------------------------------------------------------------------------------------

    @property
    def head(self) -> int:
        """Number of the last event committed now; 0 before the first."""
        return self._store.head

    def refresh(self) -> int:
        """Take in what was committed since, and return the head."""
        return self._store.head

    @property
    def run(self) -> RunInfo:
        """What the tape says of the whole run, now."""
        return run_info(self._store)

    def fact(self, key: str) -> str | None:
        """Return a fact of the run by its key (see the ``run`` table), or None where the tape does not say it."""
        return fact(self._store, key)

    @property
    def writes(self) -> Writes:
        """What the script did to files, as far as it is recorded now."""
        return read_writes(self._store.db)

    @property
    def is_finished(self) -> bool:
        """True when the end of the run is on the tape."""
        return self._store.latest("end", self.head) is not None

    @property
    def is_partial(self) -> bool:
        """True when the end of the run is not on the tape: it is still going on, or gradb itself was killed."""
        return not self.is_finished

    def source_text(self, path: str) -> str | None:
        """Return the text of a source file as it was when the script ran, or None where it is not on the tape."""
        return self._frames.source_text(path)

    @property
    def sources(self) -> tuple[tuple[str, str | None], ...]:
        """Path of every source file on the tape, and its text where that is known."""
        return self._frames.sources()

    # --- events -------------------------------------------------------------------------------------------------------

    def event(self, seq: int) -> Event:
        """Return the header of an event.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        return self._store.event(seq)

    def detail(self, seq: int) -> Detail:
        """Return the values and structure of an event.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        return self._store.detail(seq)

    def node(self, node_id: int) -> Node | None:
        """Return a node of the grad_fn graph, or None where the tape has no such node."""
        return self._store.node(node_id)

    def nodes(self, start: int, stop: int) -> Iterator[Node]:
        """Yield the nodes first seen at events start..stop, both included, oldest first."""
        return self._store.created(start - 1, stop)

    def gone(self, node_id: int) -> int | None:
        """Return the event from which on nothing refers to a node, or None while something does."""
        return self._store.gone(node_id, self.head)

    def lost_hooks(self) -> list[tuple[int, str]]:
        """Return the events at which tensors left hooks at an older node of theirs, and these, as JSON."""
        return self._store.lost_hooks()

    def reused(self, after: int) -> list[tuple[int, int, int]]:
        """Return, past a row, (row, node, node_start event) of runs that may have used other values than were saved."""
        return self._store.reused(after)

    def saved(self, node_id: int, position: int) -> NodeSaved | None:
        """Return what a node saved, as of a position; None where there is no such node by then."""
        return self._frames.holdings.of(node_id, position)

    def latest(self, kind: Kind, position: int) -> int | None:
        """Return the newest event of a kind up to a position, or None."""
        return self._store.latest(kind, position)

    def counted(self, kind: Kind) -> list[tuple[str, int, int]]:
        """Return (name, how many, the first) of the events of a kind, in the order of their first."""
        return self._store.counted(kind)

    def backward_calls(self, most: int) -> tuple[int, ...]:
        """Return the events at which backward calls begin, oldest first; none where there are more than ``most``."""
        return self._frames.backwards.starts(self.head, most)

    def library(self, seq: int) -> str:
        """Return where in a library an event happened (``lightning/loops/fit.py:123``); empty where in none."""
        return self._store.library(seq)

    def saved_record(self, node: int) -> SavedRecord:
        """Return what was read of a node's saved tensors when it was first seen, with the ids of the tensors."""
        return self._frames.holdings.record(node)

    def touched(self, storage: int, start: int, stop: int) -> list[int]:
        """Return the node events start..stop in which a custom backward wrote to a memory, by its number."""
        return self._frames.holdings.touched(storage, start, stop)

    def missing(self, seq: int) -> tuple[Gap, ...]:
        """Return the parts that are missing from an event."""
        return self._gaps.parts_of(seq)

    def events(self, start: int = 1, stop: int | None = None) -> Iterator[Event]:
        """Yield the headers of events start..stop, both included; ``stop=None`` means the head as it is now."""
        last = self.head if stop is None else min(stop, self.head)
        for first in range(max(1, start), last + 1, _BATCH):
            yield from self._store.batch(first, min(first + _BATCH - 1, last))

    def find(self, stop: Stop, position: int, direction: int, last: int | None = None) -> int | None:
        """Return the nearest event after (+1) or before (-1) a position at which ``stop`` stops, or None.

        The movement's origin is the event at ``position``. Going back by ``step`` or ``event`` ends at 0, the start.
        With ``last``, nothing beyond that event is looked for.

        Raises:
            ValueError: the stop's argument is not of its kind, or the position is outside of the tape.
        """
        return finished(self.seek(stop, position, direction, last))

    def seek(
        self, stop: Stop, position: int, direction: int, last: int | None = None, origin: Event | None = None
    ) -> Steps[int | None]:
        """Do the same by steps; ``origin``: where the movement began, on another tape.

        It may then come from behind the head.
        """
        self._check(max(position - (origin is not None), 0))
        return search.find(self._store, stop, position, direction, last, origin)

    def follow(self, stop: Stop, position: int, last: int, origin: Event | None = None) -> Steps[tuple[bool, Stop]]:
        """Return by steps whether a movement from a position stops at ``last``, if not before, and what is left.

        Raises:
            ValueError: one of the positions is outside of the tape.
        """
        self._check(max(position - (origin is not None), 0))
        self._check(last)
        return search.follow(self._store, stop, position, last, origin)

    def fault(self, stop: Stop) -> str | None:
        """Return why the condition of a stop made no sense at an event, or None: here, or when the script ran."""
        condition = stop.condition or str(stop)
        return self._store.faults.get(condition) or read_faults(self.fact("faults")).get(condition)

    # --- positions ----------------------------------------------------------------------------------------------------

    def frame(self, position: int) -> Frame:
        """Return everything true at a position.

        Raises:
            ValueError: the position is outside of 0..head.
            TapeError: the tape is damaged there.
        """
        head = self._check(position)
        return self._frames.at(position, head, self.run)

    def chain(self, node_id: int, position: int) -> Chain | None:
        """Return the chain-rule record of any node as of a position; None where there is no such node by then."""
        self._check(position)
        return self._chains.of(node_id, position)

    def chain_at(self, position: int) -> Chain | None:
        """Return the chain-rule record that a Frame at a position is about; None where it is about none."""
        self._check(position)
        return self._chains.at(position)

    def lookup(self, name: str | int, position: int) -> TensorValue | None:
        """Return the newest recorded value of a variable, or of the tensor of an id, at a position."""
        tensor = self._naming.tensor(name, position) if isinstance(name, str) else name
        return None if tensor is None else self._frames.buffers.newest(tensor, position)

    def means(self, name: str, position: int) -> bool:
        """Tell whether a tensor is called ``name`` at a position, or by a path of which that is the end."""
        return self.tensor(name, position) is not None

    def names(self, position: int) -> tuple[str, ...]:
        """Return the names of variables known at a position, in the order of their first appearance."""
        return self._naming.known(position)

    def remarks(self, node: int, position: int) -> list[tuple[str, str]]:
        """Return (kind, text) of what is to be known of a node beside its edges, oldest first."""
        return self._store.remarks(node, position)

    def defined_at(self, tensor: int, position: int) -> int | None:
        """Return the newest event up to a position that defines a tensor's value: an op, a leaf, a step."""
        found = self._store.defined_at(tensor, position)
        return None if found is None else found[0]

    def appearance(self, tensor: int, position: int) -> Tensor | None:
        """Return a tensor as it was defined last, up to a position."""
        return self._store.value_at(tensor, position)

    def touched_grad(self, tensor: int, position: int) -> tuple[int, int] | None:
        """Return the event that touched the ``.grad`` of a leaf last, and how often it was filled since a clearing."""
        found = self._store.grad_event(tensor, position)
        return None if found is None else found[:2]

    def tensor(self, name: str, position: int) -> int | None:
        """Return the id of the tensor that ``name`` means at a position, or None; see ``means``."""
        return self._naming.tensor(name, position)

    def label(self, tensor: int, position: int) -> str | None:
        """Return what the tensor of an id is called at a position, or None where no variable is known to lead to it."""
        return self._naming.label(tensor, position)

    def grad(self, name: str | int, position: int) -> TensorValue | None:
        """Return the ``.grad`` of a variable, or of the tensor of an id, at a position; None is None, or not known."""
        return self._frames.buffers.grad(name, position)

    @property
    def origins(self) -> Origins:
        """Who made the values that events read."""
        return self._frames.origins

    @property
    def lessons(self) -> Lessons:
        """What the script teaches."""
        return self._frames.lessons

    @property
    def inventory(self) -> Inventory:
        """What occurs on the tape at all."""
        return Inventory(self._store)

    def training(self, position: int, iteration: int) -> Training:
        """Return how the training goes at a position, in an iteration."""
        return self._frames.trainings.at(position, self._check(position), iteration)

    @property
    def series(self) -> tuple[Series, ...]:
        """Every series as far as it is recorded now.

        Raises:
            TapeError: the tape is damaged.
        """
        self.refresh()  # what the first iterations are may have become known since
        return self._frames.trainings.all_series()

    def _check(self, position: int) -> int:
        head = self.head
        if not 0 <= position <= head:
            raise ValueError(f"position {position} is outside of 0..{head}")
        return head
