"""What panes set in columns, as sentences."""

from __future__ import annotations

from array import array
from itertools import chain

from rich.text import Text

from gradb.present.draw.fields import Field, wrapped
from gradb.present.told.course import is_milestone, milestones
from gradb.present.told.sentences import joined, sentences
from gradb.tape.series import Series


def texts(*lines: str) -> list[Text]:
    return [Text(line) for line in lines]


def test_rows_of_a_tensor_are_one_after_the_other() -> None:
    """Without the blanks that aligned them; what is too long is cut, and how large it is stays."""
    assert joined(texts("[[ 1   2]", " [30  40]]"), 80) == "[[1 2] [30 40]]"
    assert joined(texts("[[1 2]", " [3 4]", " [5 6]]", "(3×2 elements)"), 14) == "[[1 2] [3 4] … (3×2 elements)"
    assert joined([], 80) == ""


def test_rows_with_labels_are_set_apart() -> None:
    """A matrix with names on its axes, and what is taken from where."""
    assert joined(texts("     a[0] a[1]", "b[0]    1    0"), 80) == "a[0] a[1]; b[0] 1 0"
    assert joined(texts("b[0] ← a[1]   b[1] ← a[0]", "b[2] ← a[2]"), 80) == "b[0] ← a[1] b[1] ← a[0]; b[2] ← a[2]"


def test_a_folded_sentence_is_one_again() -> None:
    """Beside a label, and on its own."""
    sentence = "not measured: 4,096 x 4,096 entries are more than the 32,768 that are measured; `probe` measures more"
    assert sentences([Field("× local", "∂a/∂b", wrapped(sentence, 40, ""))], 300) == [f"× local ∂a/∂b: {sentence}"]
    assert sentences(wrapped(sentence, 40, ""), 300) == [sentence]


def test_losses_are_told_ever_more_rarely() -> None:
    """At 1, 2, 5, 10 and so on, once an iteration, and where the first is that is not finite."""
    told = [number for number in range(1, 1001) if is_milestone(number)]
    assert told == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    iterations = array("q", chain.from_iterable((number, number) for number in range(1, 8)))
    values = array("d", [3.0] * 7 + [float("nan")] + [1.5] * 6)
    events = array("q", range(10, 150, 10))
    series = Series("loss", "loss", "a.py", 7, 14, events, iterations, values, first_nonfinite=7)
    assert milestones([series], 20, 140) == [
        (30, "iteration 2: loss:7 is 3."),
        (80, "iteration 4: loss:7 is nan, the first that is not finite."),
        (90, "iteration 5: loss:7 is 1.5."),
    ]
    assert milestones([series], 20, 30) == [(30, "iteration 2: loss:7 is 3.")]
