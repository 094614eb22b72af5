"""The list of the runs that one goes to and fro between, in the room there is."""

from __future__ import annotations

from dataclasses import replace

from gradb.present.lines.branches import branch_rows
from gradb.present.options import Listed

_FIRST = Listed("0", "the first run", "finished", 60, 0.00017784, is_here=False, path="x.tape")
_BRANCH = Listed("1", "branch 1: zero_grad off from iteration 12", "running", 1199, None, is_here=True, path="1.tape")
_UNSEEN = Listed("2", "branch 2: lr 0.25 from iteration 12", "", 0, None, is_here=False, path="2.tape")
_LATER = replace(_UNSEEN, label="branch 2: zero_grad off from iteration 12, lr 0.25 from 30")


def test_rows_stand_in_columns_where_there_is_room() -> None:
    """The run that one looks at has a sign; of one that nobody has looked at no more is told."""
    rows = [row.plain for row in branch_rows([_FIRST, _BRANCH, _UNSEEN], 100)]
    assert rows == [
        "   0 ooo the first run                              iteration 60, loss 0.0001778  finished",
        "▸  1 aaa branch 1: zero_grad off from iteration 12  iteration 1,199, loss none  running",
        "   2 bbb branch 2: lr 0.25 from iteration 12      ",
    ]


def test_where_a_row_has_no_room_each_takes_more_lines() -> None:
    """The loss is read there too, and nothing is cut without a sign."""
    rows = [row.plain.split("\n") for row in branch_rows([_FIRST, _BRANCH], 52)]
    assert rows[0] == ["   0 ooo the first run", "         iteration 60, loss 0.0001778  finished"]
    assert rows[1][1] == "         iteration 1,199, loss none  running"
    narrow = [line for row in branch_rows([_FIRST, _BRANCH, _LATER], 30) for line in row.plain.split("\n")]
    assert max(map(len, narrow)) <= 30
    assert narrow[2:6] == [
        "▸  1 aaa branch 1: zero_grad",
        "         off from iteration 12",
        "         iteration 1,199, los…",
        "   2 bbb branch 2: zero_grad",
    ]
