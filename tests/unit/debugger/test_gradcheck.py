"""What a numerical check is asked for, what it refuses, and how it says what it found."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from gradb.algebra.differences import Result, Sample, Samples, judge
from gradb.debugger.errors import UserError
from gradb.debugger.gradcheck import gradcheck
from gradb.debugger.gradcheck.gradcheck import Reading, engine_gradient
from gradb.debugger.gradcheck.target import Request, Target, flat_index, locate, split
from gradb.frame.reader import Tape
from gradb.link.spec import Nudge, RunSpec
from gradb.present.lines.gradcheck import as_json, exit_code, rows, sentence
from gradb.tape.values import TensorValue
from tests.unit.conftest import Tapes
from tests.unit.debugger.conftest import Recorded


def result(engine: float, f: Callable[[float], float] = math.exp, x: float = 1.0, dtype: str = "float64") -> Result:
    def sample(place: float) -> Sample:
        return Sample(place, f(place))

    wide, narrow = (Samples(h, sample(x - h), sample(x + h)) for h in (2.0**-10, 2.0**-11))
    eps = 2.0**-52 if dtype == "float64" else 2.0**-23
    verdict = judge(sample(x), wide, narrow, engine, eps)
    where = "backward 1 (t.py:4, iteration 1)"
    return Result("a[2]", "loss", 1, where, (dtype, dtype), sample(x), (wide, narrow), verdict, 6)


@pytest.mark.parametrize(
    ("found", "said", "code"),
    [
        (result(math.e), "a[2]: agrees: 2.7182818 ±", 0),
        (result(3.0), "a[2]: differs by 0.28: 2.7182818 ±", 1),
        (result(1.0, abs, 0.0), "a[2]: left and right derivative differ (-1 and 1): a kink here", 2),
        (result(2.0, abs, 0.0), "a[2]: differs: left and right derivative are -1 and 1, 2", 1),
        (result(0.0, lambda x: float(x >= 1)), "a[2]: cannot tell: loss jumps here", 2),
        (result(1e-6, lambda x: 1000 + 1e-6 * x, dtype="float32"), "float32 has too few digits", 2),
        (result(math.inf), "a[2]: cannot tell: loss or a gradient is NaN or infinite", 2),
    ],
    ids=lambda value: value.verdict.outcome if isinstance(value, Result) else None,
)
def test_the_verdict_is_one_sentence(found: Result, said: str, code: int) -> None:
    """It names the element, what was found by both ways, of what, and from how many runs."""
    text = sentence(found)
    assert said in text
    assert text.endswith("(d loss / d a[2] in backward 1 (t.py:4, iteration 1), 6 runs)")
    assert "\n" not in text
    assert exit_code(found) == code


def test_the_figures_are_there_as_a_table_and_as_json() -> None:
    """One row a step; JSON holds whatever the sentence was made from, and no number that JSON has not."""
    found = result(math.nan)
    assert [row[0] for row in rows(found)] == ["h", "0.0009766", "0.0004883"]
    made = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert (made["leaf"], made["engine"], made["outcome"], len(made["steps"])) == ("a[2]", "nan", "nonfinite", 2)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ("a", None, "")),
        ("a[2]", ("a", (2,), "")),
        ("layer1.weight[0, -3]", ("layer1.weight", (0, -3), "")),
        ("w[0][3]", ("w", (0, 3), "")),
        ("z[1].imag", ("z", (1,), "imag")),
        ("a[]", ("a", (), "")),
    ],
)
def test_an_element_is_typed_as_in_python(text: str, parts: tuple[str, tuple[int, ...] | None, str]) -> None:
    """Name, index and part."""
    assert split(text) == parts


@pytest.mark.parametrize("text", ["[2]", "", "a[1-2]"])
def test_what_is_no_element_is_refused(text: str) -> None:
    """One sentence says how it is typed."""
    with pytest.raises(UserError, match="names no element"):
        split(text)


def test_an_index_becomes_a_row_major_number() -> None:
    """Negative ones count from the end; what is outside is refused with the shape."""
    assert flat_index((1, -1), (2, 3), "w") == 5
    assert flat_index((), (), "a") == 0
    for index in [(2, 0), (0,), (0, -4)]:
        with pytest.raises(UserError, match=r"shape \[2, 3\]"):
            flat_index(index, (2, 3), "w")


def test_the_element_of_the_largest_gradient_is_taken_where_none_is_given(tapes: Tapes) -> None:
    """In the first scenario the gradient is [28, 36, 44, 52]."""
    with Tape.open(tapes("chain_rule")) as tape:
        target = locate(tape, Request(), is_over=True)
    assert target is not None
    assert target.label == "a[3]"
    assert (target.nudge.name, target.nudge.index, target.nudge.backward) == ("a", 3, 1)


def test_a_tape_that_has_not_come_to_the_backward_is_waited_for(tapes: Tapes) -> None:
    """There is no second backward in the first scenario: while the run goes on it may still come, after it the first
    is the nearest.
    """
    with Tape.open(tapes("chain_rule")) as tape:
        assert locate(tape, Request("a[0]", 2), is_over=False) is None
        late = locate(tape, Request("a[0]", 2), is_over=True)
    assert late is not None
    assert late.nudge.backward == 1


def test_a_recording_cannot_be_run_again(recorded: Recorded) -> None:
    """The sentence names the command that can."""
    with pytest.raises(UserError, match="gradb gradcheck SCRIPT"):
        gradcheck.start(recorded("chain_rule"), "a[2]")


def test_a_nudge_survives_the_way_to_the_debuggee() -> None:
    """It is part of the order, and comes out as it went in."""
    spec = RunSpec("t.py", "a.tape", nudge=Nudge("w", (2, 3), 1, 4, 2, 3, 5, -0.25, is_imaginary=True))
    assert RunSpec.from_json(spec.to_json()) == spec


def test_a_script_that_does_not_repeat_is_not_judged() -> None:
    """The last bit of a root is enough; the sentence says what helps, unless that is given already."""
    one, other = (TensorValue((), "float32", data) for data in (b"\0\0\0\1", b"\1\0\0\1"))
    target = Target(Nudge("a", (3,), 1, 0, 0, 1, 2), "a[2]", ("float32",), (one,), "loss", "backward 1")
    assert engine_gradient(target, Reading(Sample(1.0, 2.0), 1.0, 7.0, (one,)), has_seed=False) == 7.0
    changed = Reading(Sample(1.0, 2.0), 1.0, 7.0, (other,))
    with pytest.raises(UserError, match=r"do not compute the same loss.*--seed"):
        engine_gradient(target, changed, has_seed=False)
    with pytest.raises(UserError, match=r"of a third$"):
        engine_gradient(target, changed, has_seed=True)
