"""How a birth is told in a paragraph."""

from __future__ import annotations

from gradb.diagnosis.nonfinite.explanation import Born, Explanation
from gradb.diagnosis.nonfinite.makers import EndKind
from gradb.diagnosis.nonfinite.reason import Reason
from gradb.present.lines.why import sentence


def _born(event: int, kind: EndKind, what: str, call: str, line: int, reason: str = "") -> Born:
    why = Reason("masked-row", reason) if reason else None
    place = ("train.py", line, "", 1, "forward")
    return Born(event, kind, what, call, "", (2, 2), (0, 1), f"1 of 4 {what}", (), why, *place)


def _told(*births: Born) -> str:
    return sentence(Explanation(9, "loss is nan", births, ()))


def test_a_mask_comes_after_what_was_born_of_it() -> None:
    """An infinity that the script has asked for is no news; the NaN is, and comes first."""
    mask = _born(3, "given", "-inf", "Tensor.masked_fill", 10)
    told = _told(mask, _born(4, "birth", "nan", "Tensor.softmax", 11, "all of the row is -inf"))
    assert told.startswith("A NaN was born at train.py:11")
    assert told.index("All of the row is -inf.") < told.index(
        "The -inf that it read was given as it is, at train.py:10"
    )
    assert told.endswith("So loss is nan at #9.")


def test_an_infinity_that_was_born_comes_before_its_nan() -> None:
    """It is where it began."""
    told = _told(_born(3, "birth", "inf", "Tensor.exp", 10), _born(4, "birth", "nan", "Tensor.sub", 11))
    assert told.startswith("An infinity was born at train.py:10")
    assert "It became a NaN at train.py:11" in told
