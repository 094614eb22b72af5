"""What a condition sees at an event is what `print` and `expect` say there, on the hard uses of autograd."""

from __future__ import annotations

import functools

import pytest

from gradb.debugger.expect.names import TapeNames
from gradb.frame.conditions import TapePoints
from gradb.tape.conditions.event_names import EventNames, tensors_of
from gradb.tape.expressions.equality import is_equal, show
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.names import Names
from gradb.tape.expressions.operands import Operand
from gradb.tape.expressions.syntax import Expression, read
from tests.tracer.hard.cases import CASES
from tests.tracer.hard.seeing import recorded

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
WORDS = ("upstream", "update", "grad_norm", "iteration", "phase", "loss")


def is_same(one: Operand, other: Operand) -> bool:
    """Tell whether two operands are equal, or both not kept."""
    try:
        return is_equal(one, other)
    except NoValue:
        return type(one) is type(other)


def found_at(names: Names, expression: Expression) -> Operand:
    """Return what an expression comes to, None where it has no value."""
    try:
        return Evaluator(names).value(expression)
    except NoValue:
        return None


@pytest.mark.parametrize("name", CASES)
def test_a_condition_sees_what_is_printed(name: str) -> None:
    """Each word that has a value at an event has that value on the tape."""
    tape = recorded(name).tape
    points, sweep = TapePoints(tape.series), tape._store.sweep()
    seen = 0
    for event in tape.events():
        live, names = (
            EventNames(event, points, functools.partial(sweep.of, event.seq), sweep.of),
            TapeNames(tape, event.seq),
        )
        for word in WORDS:
            if word == "loss" and names.means(word):  # a variable of that name is what is printed
                continue
            try:
                found = live.word(word)
            except NoValue:
                continue
            seen += 1
            assert is_same(found, names.word(word)), (event.seq, event.kind, word, show(found), show(names.word(word)))
        downstream = read("norm(downstream)")  # what is None in it is told apart on the tape alone
        if (found := found_at(live, downstream)) is not None:
            seen += 1
            assert is_same(found, found_at(names, downstream)), (event.seq, event.kind, "downstream")
        for path, _ in tensors_of(live.detail):
            if path and names.means(path):
                seen += 1
                assert is_same(live.tensor(path), names.tensor(path)), (event.seq, event.kind, path)
    assert seen > tape.head
