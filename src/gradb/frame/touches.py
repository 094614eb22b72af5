"""What events did to the ``.grad`` of leaves, and what leaves were defined as, kept for all leaves of a Frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from gradb.frame.cache import Cache
from gradb.frame.gradbuffer import Touch, Touched
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.values import TensorValue

_NOTHING = Touch()
_MANY = 32  # definitions from which on they are read in order


class Touches:
    """The touches and the definitions of one tape; those of ``size`` leaves are kept."""

    def __init__(self, store: Store, size: int) -> None:
        self._store = store
        self._alone = Cache(self._read, 2 * size)
        self._of_many = Cache(self._read_many, 8)
        self._defined = Cache(self._read_defined, 2 * size)

    def of(self, leaf: int, event: int | None) -> Touch:
        """Return what an event did to the gradient of a leaf; nothing without an event."""
        return _NOTHING if event is None else self._alone((leaf, event))

    def later(self, leaf: int, event: int | None) -> Touched:
        """Return the same, to be read once somebody asks: of what is damaged it is known why it is not known."""
        return Touched(partial(self._of_sound, leaf, event))

    def _of_sound(self, leaf: int, event: int | None) -> Touch:
        try:
            return self.of(leaf, event)
        except TapeError as error:
            damaged = unknown(None, str(error))
            return Touch(damaged, damaged, damaged)

    def load(self, definitions: Iterable[tuple[int, int]]) -> None:
        """Read many definitions, by tensor and event; each event once, and in the order in which they lie."""
        missing = [one for one in definitions if one not in self._defined]
        if len(missing) < _MANY:
            return
        tensors = defaultdict[int, list[int]](list)
        for tensor, event in missing:
            tensors[event].append(tensor)
        steps = [event for event, several in tensors.items() if len(several) > 1]  # these are kept, for other positions
        found = {event: self._store.defined(event) for event in steps}
        found |= self._store.definitions_of(tensors.keys() - found.keys())
        for event, several in tensors.items():
            for tensor in several:
                self._defined.put((tensor, event), found[event].get(tensor))

    def definition(self, tensor: int, event: int) -> Tensor | None:
        """Return a tensor as an event defines it."""
        return self._defined((tensor, event))

    def _read(self, key: tuple[int, int]) -> Touch:
        leaf, event = key
        if event in self._of_many:
            return self._of_many(event).get(leaf, _NOTHING)
        detail = self._store.detail(event)
        if isinstance(detail, AccumulateDetail):
            return Touch(detail.before, detail.added, detail.after, "accumulated", detail.parameter)
        if isinstance(detail, HookDetail) and len(detail.before) == len(detail.after) == 1:
            before, after = (None if one is None else one.value for one in (*detail.before, *detail.after))
            return Touch(before, None, after, f"changed by the hook {detail.function}")
        return self._of_many(event).get(leaf, _NOTHING)

    def _read_many(self, event: int) -> dict[int, Touch]:
        """Return what an event did that may touch many leaves: looked up one by one they would be searched through."""
        return _of_each(self._store.detail(event))

    def _read_defined(self, key: tuple[int, int]) -> Tensor | None:
        tensor, event = key
        return self._store.defined(event).get(tensor)


def _of_each(detail: Detail) -> dict[int, Touch]:
    """Return what an event did to each leaf, the first that is said of one."""
    found: dict[int, Touch] = {}
    if isinstance(detail, ZeroGradDetail):
        for one in detail.cleared:
            how = "cleared (set to None)" if one.after is None else "cleared (zeroed)"
            found.setdefault(one.tensor, Touch(one.before, None, one.after, how, one.parameter))
    if isinstance(detail, GradChangeDetail):
        for one in detail.changed:
            found.setdefault(one.tensor, Touch(one.before, None, one.after, f"changed by {detail.by}", one.parameter))
    if isinstance(detail, DepthDetail):
        for tensor, gradient in zip(detail.leaves, detail.gradients, strict=True):
            unseen = unknown(gradient, "not recorded: only watched before")  # it was there before: the event found it
            found.setdefault(tensor.id, Touch(unseen, unseen, gradient, "", tensor.name or ""))
    return found


def unknown(value: TensorValue | None, note: str) -> TensorValue:
    """Return a value that is not known: what was recorded of it may have changed since."""
    if value is None:
        return TensorValue((), "", None, None, note)
    return TensorValue(value.shape, value.dtype, None, None, note)
