"""The stack pane: the calls that lead to the position, and what is said where they are not known."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.source import beside
from gradb.present.panes.table import PANES, pane_json
from tests.fakes.calls import Call, add_calls
from tests.unit.conftest import Tapes

CALLS: list[Call] = [(11, "Net.forward", 2, "torch"), (12, "train", 0, ""), (13, "<module>", 0, "")]


@pytest.fixture
def path(tapes: Tapes, tmp_path: Path) -> Path:
    """Give a tape of which event 4 lies in three calls."""
    copy = tmp_path / "run.tape"
    copy.write_bytes(tapes("chain_rule").read_bytes())
    add_calls(copy, 4, CALLS)
    return copy


def shown(tape: Tape, position: int, row: int | None = None) -> list[str]:
    """Return the lines of the pane."""
    options = Options(width=60).with_row(row)
    return to_text(PANES["stack"].render(tape.frame(position), options), 60).splitlines()


def test_each_call_with_its_line(path: Path) -> None:
    """The innermost first; frames of libraries are one line; the source pane says what called the function."""
    with Tape.open(path) as tape:
        assert [line.rstrip() for line in shown(tape, 4)] == [
            "    2 frames of torch",
            "▶ chain_rule.py:11  Net.forward",
            "    d = c ** 2",
            "  chain_rule.py:12  train",
            "    out = d.sum()",
            "  chain_rule.py:13  <module>",
            "    out.backward()",
        ]
        view = tape.frame(4).source
        assert view is not None
        assert beside(view) == "called from chain_rule.py:12"
        told = pane_json("stack", tape.frame(4))
        assert (told["event"], told["cut"], len(told["frames"])) == (4, False, 3)
        assert told["frames"][0] == {
            "file": "chain_rule.py", "line": 11, "end_line": 11, "column": 0, "end_column": 4,
            "function": "Net.forward", "text": "d = c ** 2", "others": 2, "packages": ["torch"],
        }  # fmt: skip


def test_at_a_node_the_calls_are_those_of_the_backward(path: Path) -> None:
    """That is said, and where the calls of the backward are not known, that."""
    with Tape.open(path) as tape:
        start = tape.latest("backward_start", tape.head)
        assert start is not None
        assert shown(tape, start + 1) == ["which calls lead here was not recorded"]
        assert pane_json("stack", tape.frame(start + 1))["frames"] is None
    add_calls(path, start, CALLS[1:])
    with Tape.open(path) as tape:
        assert "where backward was called" in shown(tape, start + 1)[0]
        assert "▶ chain_rule.py:12  train" in [line.rstrip() for line in shown(tape, start + 1)]


def test_what_is_not_known_is_said(path: Path) -> None:
    """Before the first event, and where nobody looked any further."""
    add_calls(path, 3, CALLS[:1], is_cut=True)
    with Tape.open(path) as tape:
        assert shown(tape, 0) == ["before the first event"]
        assert "not known" in shown(tape, 3)[-1]
        assert pane_json("stack", tape.frame(3))["cut"] is True


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stack SET outer = id",
        "UPDATE stack SET function = x'00'",
        "UPDATE stack SET line = 'x'",
        "UPDATE stack SET others = 'x', file = 99",
        "DELETE FROM stack",
        "UPDATE called SET stack = 'x'",
        "UPDATE stack SET function = char(27) || '[2J', line = 10000000000",
    ],
)
def test_a_strangers_rows_do_no_harm(path: Path, change: str) -> None:
    """What is no call is left out; a circle ends; no text acts on the terminal."""
    db = sqlite3.connect(path)
    db.execute(change)
    db.commit()
    db.close()
    with Tape.open(path) as tape:
        assert "\x1b[2J" not in "\n".join(shown(tape, 4))
        pane_json("stack", tape.frame(4))
