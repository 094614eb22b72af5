"""The language of expressions: what can be said, what it comes to, and what is refused."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given, strategies as st

from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import ExpressionError, NoName, NoValue
from gradb.tape.expressions.operands import EventView, Numbers, Operand, Unkept
from gradb.tape.expressions.syntax import read
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind
from gradb.tape.values import Stats
from tests.unit.tape.expressions.meanings import Table, value

LARGE = Unkept((10,), "float32", "it is too large", Stats(-3.0, 2.0, 0.5, 0, 0, 0, ()))
ODD = Unkept((10,), "float32", "it is too large", Stats(None, None, math.nan, 1, 9, 0, ()))
NAMES = Table(
    tensors={
        "x": value(3, 4),
        "one": Numbers((), (2.0,), "float32"),
        "none": None,
        "large": LARGE,
        "odd": ODD,
        "normed": Unkept((10,), "float32", "it is too large", None, 5.0),
        "sized": Unkept((10,), "float32", "it is too large", Stats(-3.0, 2.0, 0.5, 0, 0, 0, (), norm=6.0)),
        "complex": Numbers((1,), (3 + 4j,), "complex64"),
        "empty": Numbers((0,), (), "float32"),
        "layer.weight": value(1, 2),
        'p["l.0.w"]': value(1, 2),
        "whole": Numbers((2,), (-(2**63), -3), "int64"),
        "byte": Numbers((), (-128,), "int8"),
        "infinite": value(math.inf, -math.inf),
        "nan": value(1.0),
        "notnumber": value(1.0, math.nan, math.inf),
    },
    words={"loss": Numbers((), (2.5,), "float32"), "upstream": [value(3), value(4), None], "iteration": 7},
    pending=frozenset({"grad_norm", "update"}),
)
VALUES: tuple[tuple[str, object], ...] = (
    ("1 + 2 * 3 - 4 / 8", 6.5),
    ("-one + 1", -1.0),
    ("one / 0", math.inf),
    ("-one / 0", -math.inf),
    ("one / -0.0", -math.inf),
    ("0 / 0", math.nan),
    ("nan / 0", math.nan),
    ("1j / 0 == 1j / 0", True),
    ("1e308 * 10", math.inf),
    ("x[0] * x[1]", 12.0),
    ("iteration / 2", 3.5),
    ("iteration * 10 + 1", 71),
    ("norm(x)", 5.0),
    ("norm(upstream)", 5.0),
    ("norm(-3)", 3.0),
    ("norm(normed)", 5.0),
    ("norm(sized)", 6.0),
    ("norm([sized, 8])", 10.0),
    ("norm(complex)", 5.0),
    ("norm(infinite)", math.inf),
    ("norm(notnumber)", math.nan),
    ("norm(empty)", 0.0),
    ("abs(-3)", 3),
    ("abs(complex) == [5.0]", True),
    ("abs(x[0] - x[1])", 1.0),
    ("min(x)", 3),
    ("max(x)", 4),
    ("max(x, 9, loss)", 9),
    ("min(large)", -3.0),
    ("max(large)", 2.0),
    ("mean(large)", 0.5),
    ("min(odd)", math.nan),
    ("max(notnumber)", math.nan),
    ("sum(x)", 7.0),
    ("sum(infinite)", math.nan),
    ("sum([1e308, 1e308])", math.inf),
    ("sum(x.shape)", 2),
    ("mean(x)", 3.5),
    ("mean(empty)", math.nan),
    ("norm(layer.weight) < 3 and layer.weight[1] == 2", True),
    ("1 < iteration < 8 <= 9", True),
    ("not 1 < iteration < 7", True),
    ("loss > 2 and not loss > 3", True),
    ("grad_norm > 1 or loss > 2", True),
    ("grad_norm > 1 and loss > 3", False),
    ("abs(x) == x", True),
    ("[1, [2, 'a']] == [1, [2, 'a']]", True),
    ("tensor('x') == x", True),
    ("p['l.0.w'] == [1, 2]", True),
    ('p["l.0.w"][1]', Numbers((), (2,), "float32")),
    ("tensor('p[\"l.0.w\"]') == [1, 2]", True),
    ("'a.0 _number_0' == 'a.0' ' _number_0'", True),
    ("not.0 or x[0] ==.3e1", True),
    ("abs(whole)", Numbers((2,), (-(2**63), 3), "int64")),
    ("abs(byte)", -128),
    ("abs(-9223372036854775808)", 2**63),
)
UNKNOWN = (
    ("grad_norm > 1", "there is no grad_norm yet"),
    ("not grad_norm > 1", "there is no grad_norm yet"),
    ("grad_norm > 1 and loss > 2", "there is no grad_norm yet"),
    ("loss > 3 or update > 1", "there is no update yet"),
    ("norm(large) > 1", "the norm was not recorded: it is too large"),
    ("sum(large) > 1", "the sum was not recorded: it is too large"),
    ("abs(large) > 1", "cannot be calculated with: it is too large"),
    ("large[0] > 1", "cannot be looked into: it is too large"),
    ("large == 1", "cannot be compared: it is too large"),
    ("large > 1", "cannot be compared: it is too large"),
    ("norm(none) > 1", "there is nothing to take the norm of"),
    ("max([none, none]) > 1", "there is nothing to take the max of"),
    ("min(empty) > 1", "has no smallest and no largest"),
    ("none[0] > 1", "None has no elements"),
    ("none.shape == [1]", "`none` has no 'shape': it is None"),
    ("none > 1", "only single numbers are smaller or larger"),
    ("none + 1 > 1", "None cannot be calculated with"),
    ("-none < 1", "None cannot be calculated with"),
    ("-large < 1", "the value cannot be calculated with"),
)
BAD = (
    ("", "an expression is missing"),
    ("1" * 10_001, "too long"),
    ("9" * 308 + " * 1000", "larger than any number"),
    ("sum([" + "9" * 308 + ", " + "9" * 308 + "])", "larger than any number"),
    ("2 ** 3", r"`2 \*\* 3` is not something an expression can say"),
    ("2 % 3", "is not something an expression can say"),
    ("2 // 3", "is not something an expression can say"),
    ("1 << 3", "is not something an expression can say"),
    ("~1", "is not a number"),
    ("x + 1", "only single numbers can be calculated with"),
    ("'a' + 'b'", "only single numbers can be calculated with"),
    ("-True", "only single numbers can be calculated with"),
    ("True + 1", "only single numbers can be calculated with"),
    ("norm('x')", "takes numbers and values"),
    ("norm()", "can call approx"),
    ("norm(x, x)", "can call approx"),
    ("norm(x, p=2)", "can call approx"),
    ("len(x)", "can call approx"),
    ("x.sum()", "can call approx"),
    ("max(complex)", "complex numbers are neither smaller nor larger"),
    ("(lambda: 1)()", "can call approx"),
    ("x.__class__", "a value has no '__class__'"),
    ("().__class__", "has no '__class__'"),
    ("one.real", "a value has no 'real'"),
    ("__import__('os')", "can call approx"),
    ("1 in x", "`in` looks for"),
    ("x[1.0]", "an index is a whole number"),
    ("x[.5]", "an index is a whole number"),
    ("x[True]", "an index is a whole number"),
    ("upstream[False]", "an index is a whole number"),
    ("p['l.0.v']", """no tensor is called 'p\\["l.0.v"\\]' \\(did you mean p\\["l.0.w"\\]\\?\\)"""),
    ("layer.0.weight", "no tensor is called 'layer"),
    ("tensor(x)", r"`tensor\(x\)`: tensor\(\) takes a name in quotes"),
    ("tensor(5)", r"tensor\(\) takes a name in quotes"),
    ("tensor(x).grad", r"tensor\(\) takes a name in quotes"),
    ("x.0._number_1", "a value has no '0'"),
    ("[" + "1," * 1500 + "] in [" + "1," * 1500 + "]", "would compare more than"),
    ("layr.weight", "no tensor is called 'layr'"),
    ("lage == 1", r"no tensor is called 'lage' \(did you mean large\?\)"),
    ("-" * 150 + "1", "nested too deeply"),
    ("[" * 90 + "]" * 90 + " == " + "-" * 150 + "1", "nested too deeply"),
)


def result(text: str) -> Operand:
    """Return what an expression comes to."""
    return Evaluator(NAMES).value(read(text))


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_what_an_expression_comes_to(text: str, expected: object) -> None:
    """Arithmetic and functions give what torch would, in double precision, and NaN and infinities are numbers."""
    found = result(text)
    if isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(found)
    else:
        assert (found, type(found) is bool) == (expected, type(expected) is bool)


@pytest.mark.parametrize(("text", "sentence"), UNKNOWN, ids=[text for text, _ in UNKNOWN])
def test_what_has_no_value_is_neither_true_nor_false(text: str, sentence: str) -> None:
    """What depends on an unknown value is not decided, says why, and a condition of it does not hold."""
    with pytest.raises(NoValue, match=sentence):
        Evaluator(NAMES).truth(read(text))
    assert Evaluator(NAMES).holds(read(text)) is False


@pytest.mark.parametrize(("text", "sentence"), BAD, ids=[text[:40] for text, _ in BAD])
def test_what_cannot_be_said_is_refused(text: str, sentence: str) -> None:
    """A mistake is one sentence, and no missing value."""
    with pytest.raises(ExpressionError, match=sentence) as caught:
        result(text)
    assert not isinstance(caught.value, NoValue)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_name_that_is_not_there_is_told_from_one_without_a_value() -> None:
    """A wrong name is a mistake even where a condition with a missing value would just not hold."""
    with pytest.raises(NoName):
        Evaluator(NAMES).holds(read("nobody > 1"))


def test_grad_is_the_buffer_of_what_is_called_so() -> None:
    """A tensor that was called ``x.grad`` at some time is meant only where there is no such buffer."""
    old, new = value(1), value(2)
    names = Table({"x": value(0), "x.grad": old, "y.grad": old}, grads={"x": new})
    assert Evaluator(names).value(read("x.grad")) == Evaluator(names).value(read("tensor('x').grad")) == new
    assert Evaluator(names).value(read("y.grad")) == old
    assert Evaluator(Table({"x": value(0), "x.grad": old})).value(read("x.grad")) == old


def test_expression_tells_what_it_names() -> None:
    """Names are the first words of the longest paths; functions, constants and text are none."""
    expression = read("norm(upstream[0]) > nan and layers.0.weight.grad == [event.line, inf] or tensor('a b') == loss")
    assert expression.paths == {"upstream[0]", "layers.0.weight.grad", "event.line", "a b", "loss"}
    assert expression.names == {"upstream", "layers", "event", "a b", "loss"}
    assert read("'x' in event.name").names == {"event"}


def test_sentences_speak_of_the_kind_of_expression() -> None:
    """A condition is called one."""
    with pytest.raises(ExpressionError, match="`a if b else c` is not something a condition can say"):
        read("a if b else c", "a condition")
    with pytest.raises(ExpressionError, match="a condition can call"):
        read("open(1)", "a condition")


def test_part_is_an_expression_of_its_own() -> None:
    """A part of the tree can be evaluated alone, and says what it is."""
    whole = read("1 < 2 and loss > 3")
    assert isinstance(whole.tree, ast.BoolOp)
    part = whole.part(whole.tree.values[1])
    assert part.text == "loss > 3"
    assert Evaluator(NAMES).truth(part) is False


steps = (
    st.integers(0, 99).map(lambda number: f".{number}")
    | st.sampled_from([".weight", "._number_0", ".w0", ".0x"])
    | st.integers(0, 99).map(lambda index: f"[{index}]")
    | st.text("ab.0_[]' ", max_size=8).map(lambda key: f'["{key}"]')
)


@given(st.sampled_from(["p", "net", "_number_"]), st.lists(steps, max_size=6).map("".join))
def test_a_path_is_read_as_it_is_written(name: str, rest: str) -> None:
    """Names, a module's numbers, indexes and quoted keys, whatever is in the quotes, name one tensor."""
    path = name + rest
    assert read(path).paths == {path}
    assert Evaluator(Table({path: value(1)})).value(read(f"{path}[0] + .5")) == 1.5


numbers = st.floats() | st.integers(-(2**63), 2**63) | st.booleans()
leaves = numbers.map(repr).map(lambda text: f"({text})") | st.sampled_from(
    ["x", "one", "none", "large", "odd", "complex", "empty", "loss", "upstream", "grad_norm", "'text'", "nobody", "1j"]
)
operators = st.sampled_from("+ - * / < <= > >= == != in is and or".split())
functions = st.sampled_from(["norm", "abs", "min", "max", "sum", "mean", "approx", "tensor", "not ", "-", ""])
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(inner, operators, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(functions, inner).map(lambda parts: f"({parts[0]}({parts[1]}))")
        | st.tuples(inner, inner).map(lambda parts: f"[{parts[0]}, {parts[1]}]")
        | st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]")
        | st.tuples(inner, st.sampled_from(["shape", "grad", "dtype", "__class__"])).map(".".join)
    ),
    max_leaves=12,
)


@given(expressions)
def test_whatever_is_said_comes_to_something_or_is_refused(text: str) -> None:
    """No expression ends in any other error than its own, and a truth is true or false."""
    try:
        found = Evaluator(NAMES).truth(read(text))
    except ExpressionError:
        return
    assert found in {True, False}


@given(st.floats(), st.floats(), st.sampled_from("+-*"))
def test_arithmetic_is_pythons_where_python_has_an_answer(a: float, b: float, sign: str) -> None:
    """The sum of two floats is the sum of two floats."""
    found = Evaluator(Table(tensors={"a": value(a), "b": value(b)})).value(read(f"a[0] {sign} b[0]"))
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_functions_are_those_of_the_numbers(numbers: list[float]) -> None:
    """Norm, extremes, sum and mean are what they are called."""
    evaluator = Evaluator(Table(tensors={"x": value(*numbers)}))
    found = {name: evaluator.value(read(f"{name}(x)")) for name in ("norm", "min", "max", "sum", "mean")}
    assert (found["min"], found["max"], found["sum"]) == (min(numbers), max(numbers), math.fsum(numbers))
    assert found["norm"] == pytest.approx(math.sqrt(math.fsum(number * number for number in numbers)))
    assert found["mean"] == math.fsum(numbers) / len(numbers)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text does any harm."""
    try:
        read(text)
    except ExpressionError:
        pass


@pytest.mark.parametrize(("kind", "words"), [("end", "an end event"), ("op", "an op event"), ("step", "a step event")])
def test_an_event_is_called_by_the_right_article(kind: Kind, words: str) -> None:
    """A field that an event has not is told with its kind."""
    event = Event(1, kind, "", None, None, None, None, None, "", 0, "", None, 0)
    with pytest.raises(ExpressionError, match=f"^{words} has no 'foo'"):
        Evaluator(Table(words={"event": EventView(event, None)})).value(read("event.foo"))
