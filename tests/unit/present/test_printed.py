"""What the script has evaluated, as text and as data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gradb.frame.frame import PrintedAt
from gradb.present.draw.text import to_text
from gradb.present.json.events import print_json
from gradb.present.lines.headline import describe
from gradb.present.lines.printed import print_clause, print_lines
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart, PrintedTensor
from gradb.tape.values import Stats, TensorValue
from tests.fakes import value
from tests.unit.present.conftest import OpenExample

LARGE = TensorValue((40, 50), "float32", None, Stats(-1, 2.5, None, 3, 0, 1, (0.5, 1.5), 7))
PARTS = (
    PrintedPart("", "dict", "2 items"),
    PrintedPart("['w']", "Parameter", "", PrintedTensor(value([1.0, 2.0], (2,)), "cpu", True, "")),
    PrintedPart("['big']", "Tensor", "", PrintedTensor(LARGE, "cuda:0", True, "MulBackward0")),
    PrintedPart("['text']", "Net", "Net(\n  a\n)"),
)
DETAIL = PrintDetail("found", "work", PARTS, "", "hello\n", ("model.bn.running_mean",), ("something is not known",))


def lines(detail: PrintDetail, width: int = 80) -> list[str]:
    """Return the text of an answer."""
    return [line.plain for line in print_lines(detail, width)]


def test_an_answer_in_full() -> None:
    """It says whose code has run, what every part is, what was printed, and what stays changed."""
    assert lines(DETAIL) == [
        "print found in work",
        "your code, may have side effects",
        "dict 2 items",
        "['w']: Parameter [2] float32 on cpu, requires grad",
        "    [1 2]",
        "['big']: Tensor [40 × 50] float32 on cuda:0, grad_fn MulBackward0",
        "    [40 × 50] float32",
        "    min -1 max 2.5",
        "    3 × nan, 1 × -inf, the first of them at [0,7]",
        "    first [0.5 1.5 …]",
        "['text']: Net ",
        "Net(",
        "  a",
        ")",
        "it printed:",
        "    hello",
        "it changed model.bn.running_mean: that is not put back",
        "something is not known",
    ]


def test_an_error_stands_in_place_of_the_value() -> None:
    """Its whole message is there, on lines that fit."""
    detail = PrintDetail("x / 0", "", (), "ZeroDivisionError: " + "word " * 30)
    drawn = lines(detail, 40)
    assert drawn[:2] == ["print x / 0", "your code, may have side effects"]
    assert "".join(drawn[2:]).startswith("ZeroDivisionError: word word")
    assert all(len(line) <= 40 for line in drawn)


@pytest.mark.parametrize(
    ("detail", "clause"),
    [
        (DETAIL, "print found is 2 items (your code, may have side effects)"),
        (replace(DETAIL, parts=PARTS[1:2]), "print found is Parameter [2] float32 (your code, may have side effects)"),
        (
            replace(DETAIL, parts=(PrintedPart("", "Tensor", "", PrintedTensor(value([0.5], ()), "cpu", False, "")),)),
            "print found is 0.5 (your code, may have side effects)",
        ),
        (replace(DETAIL, parts=(), error="NameError: x"), "print found: NameError: x"),
    ],
)
def test_an_answer_in_a_clause(detail: PrintDetail, clause: str) -> None:
    """A single number is told, of a tensor its shape, of an error what was raised."""
    assert print_clause(detail) == clause


def test_nothing_of_it_is_active() -> None:
    """Escape sequences of the script's are shown as characters."""
    detail = PrintDetail(
        "\x1b[31m", "f\x1b", (PrintedPart("\x1b", "T\x1b", "\x1b[0m"),), "", "\x1b", ("\x1b",), ("\x1b",)
    )
    assert "\x1b" not in "\n".join([*lines(detail), print_clause(detail).replace("\x1b", "")])


def test_the_pane(example: OpenExample) -> None:
    """It shows the newest answer, says of which event an older one is, and what there is to do where there is none."""
    frame = example("chain_rule").frame(4)
    assert "nothing was asked of the script so far" in to_text(PANES["printed"].render(frame, Options(width=80)), 80)
    event = Event(4, "print", "found", None, None, None, None, None, "", 1, "forward", None)
    here = replace(frame, event=event, detail=DETAIL, printed=PrintedAt(4, DETAIL))
    assert to_text(PANES["printed"].render(here, Options(width=80)), 80).startswith("print found in work")
    assert describe(here) == print_clause(DETAIL)
    later = replace(frame, printed=PrintedAt(2, DETAIL))
    assert to_text(PANES["printed"].render(later, Options(width=80)), 80).startswith("as of event 2:\nprint found")
    data = pane_json("printed", later)["printed"]
    assert data == {"event": 2, **print_json(DETAIL)}
    assert json.loads(json.dumps(data))["value"][2]["stats"]["nan"] == 3
    assert data["value"][1] == {
        "path": "['w']", "type": "Parameter", "text": "", "device": "cpu", "requires_grad": True, "grad_fn": None,
        "shape": [2], "dtype": "float32", "values": [1.0, 2.0],
    }  # fmt: skip


def test_a_nested_tensor_is_no_scalar() -> None:
    """It has no shape of plain sizes: it is called nested."""
    nested = TensorValue((), "float32", None, None, "a tensor of shape (2, …) is not read: it is nested")
    detail = replace(DETAIL, parts=(PrintedPart("", "Tensor", "", PrintedTensor(nested, "cpu", False, "")),))
    assert "Tensor nested float32 on cpu" in lines(detail)
    assert "Tensor nested float32" in print_clause(detail)
    assert "scalar" not in "".join(lines(detail))
