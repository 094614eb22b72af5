"""A condition that has been read: what it has to know, at which events it may newly come true, and whether it holds."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, field

from gradb.tape.conditions.event_names import EventNames, touches
from gradb.tape.conditions.newest import SERIES, SeriesName
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.expressions.syntax import Expression, read
from gradb.tape.expressions.variables import owners_of, quote
from gradb.tape.kinds.registry import Kind
from gradb.tape.stops import Stop

_PLAIN = frozenset({"event", "iteration", "phase"})
_NODES: dict[str, frozenset[Kind]] = {
    "update": frozenset({"step"}),
    "upstream": frozenset({"node"}),
    "downstream": frozenset({"node"}),
}
"""The kinds of events that newly determine a word."""
_TENSORS: frozenset[Kind] = frozenset({"op", "leaf", "step", "backward_start", "backward_end", "depth"})
"""The kinds of events that tell of tensors by their names."""
_GRADS: frozenset[Kind] = frozenset({"accumulate", "step", "grad_change", "zero_grad"})
"""The kinds of events that tell of the ``.grad`` of a leaf."""
TELLING = _TENSORS | _GRADS
"""The kinds of events that may newly determine what a condition says of a variable, if they tell of that."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold at an event."""

    expression: Expression
    series: frozenset[SeriesName]
    """The series that it names."""
    variables: tuple[str, ...]
    """The paths of tensors that it names, or what may be one and a field of it (``a.shape``)."""
    owners: tuple[str, ...]
    """The same, and what they may be an element or a field of: ``a`` of ``a[0].shape``."""
    grads: tuple[str, ...]
    """Those of them of which it names the ``.grad``."""
    kinds: frozenset[Kind]
    """Kinds of events that newly determine a word that it names."""
    is_of_events: bool
    """It names the event itself, which every event newly determines."""
    names: frozenset[str] = field(repr=False)

    @property
    def is_steady(self) -> bool:
        """True where only a point of a series can make another thing of it."""
        return self.names <= frozenset(SERIES)

    @property
    def can_stop(self) -> bool:
        """True where it names something that events newly determine."""
        return bool(self.series or self.kinds or self.variables or self.is_of_events)

    def is_determined(self, names: EventNames) -> bool:
        """Tell whether an event newly determines something that it names."""
        event = names.event
        if self.is_of_events or event.kind in self.kinds:
            return True
        if any(names.points.begins(kind, event.seq) for kind in self.series):
            return True
        if event.kind not in TELLING:
            return False
        return any(map(names.means, self.owners)) or any(map(names.has_grad, self.grads))

    def holds(self, names: EventNames) -> bool:
        """Tell whether it holds at an event; where that is not known, it does not.

        Raises:
            ExpressionError: it makes no sense of the values there.
        """
        return Evaluator(names).holds(self.expression)


@functools.lru_cache(maxsize=256)
def condition_of(text: str) -> Condition:
    """Read a condition.

    Raises:
        ExpressionError: it cannot be read, or uses what a condition has not.
    """
    expression = read(text, "a condition")
    names = expression.names
    if "local" in names:
        raise ExpressionError("a condition knows upstream and downstream of a node, but not its local derivative")
    if "first_nonfinite" in names:
        raise ExpressionError("a condition knows no first_nonfinite: `until nan`, `inf` and `birth` stop at one")
    if (one := _compared_with_itself(expression.tree)) is not None:
        raise ExpressionError(f"{one} equals itself, for two NaN are equal here: say `{one} == nan`")
    words = {*_PLAIN, *_NODES, *SERIES}
    variables = tuple(
        sorted(path for path in expression.paths if path.partition(".")[0].partition("[")[0] not in words)
    )
    kinds = frozenset[Kind]().union(*(_NODES[name] for name in names & _NODES.keys()))
    owners = tuple(dict.fromkeys(owner for path in variables for owner in owners_of(path)))
    grads = tuple(path.removesuffix(".grad") for path in owners if path.endswith(".grad"))
    series = frozenset(kind for kind in SERIES if kind in names)
    return Condition(expression, series, variables, owners, grads, kinds, "event" in names, names)


def _compared_with_itself(tree: ast.expr) -> str | None:
    """Return what stands on both sides of a ``!=`` or ``==``, as in the usual test for a NaN; None: nothing does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.NotEq | ast.Eq):
            one, other = node.left, node.comparators[0]
            if not isinstance(one, ast.Constant) and ast.dump(one) == ast.dump(other):
                return quote(one)
    return None


def speaks_of_update(stop: Stop) -> bool:
    """Tell whether a stop has to know how much a step has changed, which has to be measured while it is made."""
    try:
        return bool(stop.condition) and "update" in condition_of(stop.condition).names
    except ExpressionError:
        return False


def meets(stop: Stop, names: EventNames) -> bool:
    """Tell whether an event that a stop matches by its header is one to stop at.

    Raises:
        ExpressionError: its condition makes no sense of the values there.
    """
    if stop.kind == "param" and not (names.mentions(stop.argument) and touches(names.detail, stop.argument)):
        return False
    if not stop.condition:
        return True
    condition = condition_of(stop.condition)
    return (stop.kind != "when" or condition.is_determined(names)) and condition.holds(names)
