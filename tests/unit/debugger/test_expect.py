"""Expectations: what can be said, what holds, and what is told when it does not."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import ExpectationFailed, UserError
from gradb.debugger.expect.expect import check, read
from gradb.tape.conditions.condition import condition_of
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.expressions.measures import update_of
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.stops import Stop
from gradb.tape.values import Stats, TensorValue
from tests.fakes import TapeBuilder
from tests.fakes.forward import Variable
from tests.fakes.packing import value
from tests.unit.debugger.conftest import Recorded


@pytest.fixture
def debugger(recorded: Recorded) -> Debugger:
    """Give the first scenario at the end of PowBackward0's run."""
    debugger = recorded("chain_rule")
    debugger.go(10)
    return debugger


HOLDS = (
    "a == [1, 2, 3, 4]",
    "a != [1, 2, 3, 5]",
    "a.grad == None",
    "a.grad is None",
    "a is not None",
    "a.shape == [4] and a.shape == (4,)",
    "a.dtype == 'float32'",
    "a[0] == 1 and a[-1] == 4",
    "out == 420 and out > 419 and out <= 420 and not out < 420",
    "1 < a[1] < 3",
    "out == approx(419.99)",
    "d == approx([49.001, 81, 121, 169])",
    "d == approx([50, 80, 120, 170], 0.1)",
    "tensor('a') == a and tensor('a').grad is None",
    "event.kind == 'node' and event.name == 'PowBackward0' and event.line == 13",
    "event.seq == 10 and event.phase == 'backward' and event.scope == ''",
    "'Pow' in event.name and 'Mul' not in event.name",
    "event.kind in ['node', 'op']",
    "upstream == [1, 1, 1, 1]",
    "local == [14, 18, 22, 26] and local.structure == 'diagonal'",
    "downstream == [14, 18, 22, 26]",
    "downstream == [1, 2, 3, 4] or downstream[0] == 14",
    "a[0] > -1 and -1 < +a.shape[0]",
    "True",
    "inf > 1 and nan == nan",
)
FAILS = (
    "a == [1, 2, 3, 5]",
    "a == [[1, 2, 3, 4]]",
    "a == 1",
    "a == None",
    "a.grad == [1, 2, 3, 4]",
    "out == approx(400)",
    "event.kind == 'op'",
    "not True",
    "a.dtype == 'float64'",
    "None",
    "upstream != [1, 1, 1, 1]",
)
BAD = (
    ("", "needs an expression"),
    ("a =", "cannot read the expression"),
    ("a == [1,", "cannot read the expression"),
    ("nobody == 1", "no tensor is called 'nobody' at position 10"),
    ("nobody.grad == 1", "no tensor is called 'nobody'"),
    ("ouut == 1", "did you mean out"),
    ("gradnorm > 1", "did you mean grad_norm"),
    ("open('/etc/passwd')", "can call approx"),
    ("tensor('x').grad == 1", "no tensor is called 'x'"),
    ("a.__class__ == 1", "a value has no '__class__'"),
    ("event.__class__ == 1", "a node event has no '__class__'"),
    ("(lambda: 1)() == 1", "can call approx"),
    ("[x for x in a] == 1", "is not something an expectation can say"),
    ("a if a else a", "is not something an expectation can say"),
    ("a + 1 == 2", "only single numbers can be calculated with"),
    ("a ** 2 == 2", r"`a \*\* 2` is not something an expectation can say"),
    ("a % 2 == 1", "is not something an expectation can say"),
    ("f'{a}' == 1", "is not something an expectation can say"),
    ("b'x' == 1", "is not something an expectation can say"),
    ("(a := 1) == 1", "is not something an expectation can say"),
    ("a", "neither true nor false"),
    ("a and True", "neither true nor false"),
    ("a > 1", "only single numbers"),
    ("a[9] == 1", r"no \[9\]"),
    ("a['x'] == 1", "an index is a whole number"),
    ("a[0:2] == 1", "is not something an expectation can say"),
    ("out[0] == 1", "a single number cannot be indexed"),
    ("1 in 2", "`in` looks for"),
    ("-a == 1", "only single numbers"),
    ("event.weather == 1", "a node event has no 'weather'"),
    ("'x'.upper == 1", "has no 'upper'"),
    ("(" * 500 + "1" + ")" * 500, "cannot read|too deeply"),
    ("not " * 2000 + "1", "cannot read|too deeply"),
    ("-" * 9000 + "1", "cannot read|too deeply"),
    ("+".join(["1"] * 400) + " == 400", "too deeply"),
    ("(" + "+".join(["a"] * 400) + ")[0] == 400", "too deeply"),
    ("not [" + ",".join(["1"] * 4000) + "].x", "has no 'x'"),
    ("out == " + "9" * 400, "larger than any number"),
    ("out == -" + "9" * 400, "larger than any number"),
    ("9" * 400 + " < out", "larger than any number"),
    ("out == 0x" + "f" * 400, "larger than any number"),
    ("a[" + "9" * 400 + "] == 1", "larger than any number"),
    ("nan == " + "9" * 400, "larger than any number"),
    ("out == " + "9" * 5000, "cannot read the expression"),
    ("out == 10 ** 10 ** 10", "is not something an expectation can say"),
    ("approx(1, -1) == 1", "a number from 0 on, such as 0.01, not -1"),
    ("approx(1, [1]) == 1", r"a number from 0 on, such as 0.01, not \[1\]"),
    ("approx(1, a) == 1", r"a number from 0 on, such as 0.01, not \[1, 2, 3, 4\]"),
    ("approx(1, nan) == 1", "a number from 0 on"),
    ("approx(1, inf) == 1", "a number from 0 on"),
    ("approx(1, True) == 1", "a number from 0 on"),
    ("approx(1, 1j) == 1", "a number from 0 on"),
    ("approx(1, None) == 1", "a number from 0 on"),
    ("'\udcff' == a", "cannot read the expression"),
)


def test_what_holds(debugger: Debugger) -> None:
    """What is true at the position passes."""
    for expression in HOLDS:
        check(debugger, expression)


def test_what_does_not_hold(debugger: Debugger) -> None:
    """What is false at the position fails, and says where that is."""
    for expression in FAILS:
        with pytest.raises(ExpectationFailed) as caught:
            check(debugger, expression)
        assert "does not hold at position 10 (node PowBackward0)" in str(caught.value), expression


def test_bad_expressions_are_refused(debugger: Debugger) -> None:
    """What cannot be said, or speaks of what is not there, is told as a mistake and not as a failure."""
    for expression, sentence in BAD:
        with pytest.raises(UserError) as caught:
            check(debugger, expression)
        assert re.search(sentence, str(caught.value)), (expression[:80], sentence)
        assert not isinstance(caught.value, ExpectationFailed)
        assert len(str(caught.value)) < 500


def test_difference_is_shown(debugger: Debugger) -> None:
    """A failed comparison shows both sides, and which elements differ."""
    with pytest.raises(ExpectationFailed) as caught:
        check(debugger, "local == [14, 18, 23, 26]")
    assert str(caught.value).splitlines() == [
        "expect local == [14, 18, 23, 26] does not hold at position 10 (node PowBackward0)",
        "  left:  [14, 18, 22, 26]",
        "  right: [14, 18, 23, 26]",
        "  at [2]: 22 is not 23",
    ]


def test_failing_part_is_found(debugger: Debugger) -> None:
    """Of several conditions, the first that fails is shown."""
    with pytest.raises(ExpectationFailed) as caught:
        check(debugger, "event.kind == 'node' and event.line == 11 and a == [0]")
    assert str(caught.value).splitlines()[1:] == [
        "  event.line == 11",
        "  left:  13",
        "  right: 11",
        "  13 is not 11",
    ]


def test_names_come_and_go_with_the_position(debugger: Debugger) -> None:
    """Before a variable is bound there is none; after the accumulation there is a gradient."""
    debugger.go(1)
    with pytest.raises(UserError, match="no tensor is called 'b' at position 1"):
        check(debugger, "b == 1")
    with pytest.raises(UserError, match=r"there is no upstream here: event 1 \(leaf a\) is about no node"):
        check(debugger, "upstream[0] == 1")
    debugger.go(0)
    with pytest.raises(UserError, match="there is no local here: this is the start"):
        check(debugger, "local == 1")
    debugger.go(16)
    check(debugger, "a.grad == [28, 36, 44, 52] and event.parameter == 'a' and event.before == None")
    check(debugger, "event.after == a.grad and event.added == a.grad")
    debugger.go(18)
    check(debugger, "event.stream == 'stdout' and '28' in event.text")


def test_error_event_can_be_asked_about(recorded: Recorded) -> None:
    """Type and message of an error are its fields."""
    debugger = recorded("accumulation")
    debugger.forward(Stop("kind", "error"))
    check(debugger, "event.name == 'RuntimeError' and event.type == 'RuntimeError' and 'second time' in event.message")


def test_loss_is_the_variable_or_the_last_of_the_series(recorded: Recorded, tmp_path: Path) -> None:
    """Where no variable is called so, `loss` is what the last backward began from."""
    training = recorded("training")
    training.forward(Stop("iteration"), count=2)
    check(training, "loss == [] or loss > 0")
    with TapeBuilder(tmp_path / "x.tape") as tape:
        tape.leaf("a", [1.0])
        tape.leaf("b", [1.0])
        tape.point("loss", "out", 2.5, 2)
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    debugger.go(1)
    with pytest.raises(UserError, match="no loss yet"):
        check(debugger, "loss == 2.5")
    debugger.go(2)
    check(debugger, "loss == 2.5")
    debugger.close()


def test_norm_of_a_large_parameter_is_that_of_the_step(tmp_path: Path) -> None:
    """It is known as long as the value is that which the step has left, and only then."""
    large = Variable(1, "w", TensorValue((5000,), "float32", None, Stats(0.0, 1.0, 0.5, 0, 0, 0, (0.5,))))
    with TapeBuilder(tmp_path / "x.tape") as tape:
        for norm in (3.0, None):
            seq = tape.event(OpDetail("torch.rand", (), (large.seen(),), (), ()), "op", "torch.rand")
            tape._define(large, seq)
            if norm is not None:
                tape.point("parameter_norm", "w", norm, seq)
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    debugger.go(1)
    check(debugger, "norm(w) == 3 and max(w) == 1 and mean(w) == 0.5")
    debugger.go(2)
    with pytest.raises(UserError, match="the norm was not recorded: it is too large to be kept whole"):
        check(debugger, "norm(w) == 3")
    debugger.close()


def test_update_is_the_change_of_a_step_by_its_parameters(recorded: Recorded) -> None:
    """Over all parameters of the newest step, from what it was before to what it is after."""
    debugger = recorded("training")
    with pytest.raises(UserError, match="no update yet: no optimizer has made a step"):
        check(debugger, "update > 0")
    debugger.forward(Stop("kind", "step"))
    step = debugger.frame().detail
    assert isinstance(step, StepDetail)
    changes, sizes = 0.0, 0.0
    for old, new in zip(step.before, step.parameters, strict=True):
        assert old is not None
        pairs = list(zip(old.numbers() or (), new.value.numbers() or (), strict=True))
        changes += sum(abs(b - a) ** 2 for a, b in pairs)
        sizes += sum(abs(a) ** 2 for a, _ in pairs)
    assert changes > 0
    check(debugger, f"update == approx({(changes / sizes) ** 0.5}, 1e-12) and update * update > 0")


def test_update_is_not_known_of_large_parameters() -> None:
    """Nor of none; of parameters that were all zero it is infinite, or NaN where they still are."""

    def step(before: TensorValue | None, after: TensorValue) -> StepDetail:
        return StepDetail("SGD", (0.1,), (Tensor(1, "w", after),), (before,))

    large = TensorValue((5000,), "float32", None, Stats(0.0, 1.0, 0.5, 0, 0, 0, (0.5,)))
    zero, one = value([0.0, 0.0]), value([3.0, 4.0])
    assert update_of(step(large, large)) is None
    assert update_of(step(None, one)) is None
    assert update_of(StepDetail("SGD", (), ())) is None
    assert update_of(step(zero, one)) == math.inf
    assert math.isnan(update_of(step(zero, zero)) or 0.0)
    assert update_of(step(one, zero)) == 1.0


def test_words_speak_of_the_training(recorded: Recorded) -> None:
    """loss, grad_norm, iteration and phase are those of the position, also in sums."""
    debugger = recorded("training")
    debugger.forward(Stop("kind", "step"), count=2)
    check(debugger, "iteration == 2 and phase == 'optimizer' and grad_norm > 0 and loss - loss == 0")
    debugger.go(0)
    check(debugger, "iteration == 0 and phase == 'start'")
    with pytest.raises(UserError, match="no grad_norm yet"):
        check(debugger, "grad_norm > 0")
    check(debugger, "grad_norm > 0 or phase == 'start'")


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text does any harm."""
    try:
        read(text)
    except UserError:
        pass


def test_where_numbers_are_first_not_finite(tmp_path: Path) -> None:
    """Up to the position; None where none was, of which nothing can be asked but that."""
    with TapeBuilder(tmp_path / "x.tape") as tape:
        for iteration, value in enumerate((1.0, math.inf, math.nan), 1):
            tape.iteration = iteration
            seq = tape.output("x")
            tape.point("loss", "loss", value, seq, 7)
        tape.end()
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    try:
        debugger.go(1)
        check(debugger, "first_nonfinite == None and first_nonfinite is None")
        with pytest.raises(UserError, match="`first_nonfinite` has no 'iteration': it is None"):
            check(debugger, "first_nonfinite.iteration < 3")
        debugger.go(3)
        check(debugger, "first_nonfinite.iteration == 2 and first_nonfinite.event == 2")
        check(debugger, "first_nonfinite.value == inf and first_nonfinite.kind == 'loss'")
        check(debugger, "first_nonfinite.series == 'loss:7' and first_nonfinite is not None")
        with pytest.raises(ExpectationFailed, match=r"left:  <iteration 2, event 2: inf \(loss:7\)>"):
            check(debugger, "first_nonfinite == None")
        with pytest.raises(UserError, match="first_nonfinite has no 'line': it has iteration, event"):
            check(debugger, "first_nonfinite.line == 7")
    finally:
        debugger.close()
    with pytest.raises(ExpressionError, match="a condition knows no first_nonfinite"):
        condition_of("first_nonfinite.iteration > 3")
