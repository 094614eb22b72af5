"""Where a NaN was born, on tapes made without torch: as text, as JSON, in a command script."""

from __future__ import annotations

import json

import pytest

from gradb.batch.script import prepare
from gradb.batch.show import Style
from gradb.batch.why import why_text
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.why import Answer, ask, why
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from tests.unit.conftest import Tapes


def test_a_command_script_prints_it(tapes: Tapes) -> None:
    """`why` prints the paragraph and the road, wherever the position is."""
    out: list[str] = []
    debugger = Debugger.open(str(tapes("nonfinite")))
    try:
        prepare("why").run(debugger, Style(width=200), out.append)
    finally:
        debugger.close()
    text = "".join(out)
    assert text.startswith("A NaN was born at nan.py:5, in the backward of iteration 1")
    assert "Sqrt at x[0] = 0: the local derivative 1 / (2·√x) is inf, and upstream 0 × inf = nan." in text
    assert "The road from there to here:" in text
    assert "added to x.grad: 1 of 2 nan" in text


def test_as_json(tapes: Tapes) -> None:
    """The same as data, with numbers that every reader of JSON takes."""
    debugger = Debugger.open(str(tapes("nonfinite")))
    try:
        assert debugger.tape is not None
        found = json.loads(why_text(ask(debugger.tape), Style(is_json=True)))
    finally:
        debugger.close()
    (born,) = found["births"]
    assert (born["kind"], born["what"], born["call"], born["element"]) == ("birth", "nan", "SqrtBackward0", [0])
    assert found["text"].startswith("A NaN was born")
    assert found["folds"] == []


def test_from_the_position(tapes: Tapes) -> None:
    """At a position with a NaN it is that one's, and a position or an iteration can be named."""
    debugger = Debugger.open(str(tapes("nonfinite")))
    try:
        head = debugger.head
        odd = [seq for seq in range(1, head + 1) if debugger.tape and debugger.tape.event(seq).has_nonfinite]
        debugger.go(odd[-1])
        found = why(debugger, "")
        assert isinstance(found, Explanation)
        assert found.event == odd[-1]
        assert isinstance(why(debugger, "@1"), Explanation)
        assert isinstance(why(debugger, "1"), Nothing)
        for wrong in ("0", "999", "x", "@x"):
            with pytest.raises(UserError):
                why(debugger, wrong)
    finally:
        debugger.close()


@pytest.mark.parametrize(("example", "code"), [("chain_rule", 1), ("nonfinite", 0), ("watched", 1)])
def test_exit_codes(example: str, code: int, tapes: Tapes) -> None:
    """0 where a birth is found, 1 where nothing is seen that is not finite."""
    debugger = Debugger.open(str(tapes(example)))
    try:
        assert debugger.tape is not None
        answer = Answer(ask(debugger.tape))
        assert answer.exit_code == code
        if example == "watched":
            assert isinstance(answer.found, Nothing)
            assert not answer.found.is_sure
    finally:
        debugger.close()


@pytest.mark.parametrize("is_json", [False, True])
def test_at_an_error_it_is_what_the_error_means(tapes: Tapes, *, is_json: bool) -> None:
    """Its rule and what to do; not that there is no NaN."""
    out: list[str] = []
    debugger = Debugger.open(str(tapes("accumulation")))
    try:
        prepare("until error\nwhy").run(debugger, Style(width=200, is_json=is_json), out.append)
    finally:
        debugger.close()
    text = "".join(out)
    assert "G102" in text
    assert "retain_graph=True" in text
    assert ("explanation" in text) == is_json
