"""The saved pane: what is read of a node and of the whole graph's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.algebra.figures import bytes_text
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.saved import NOT_READ, SavedEntry
from tests.fakes import TapeBuilder
from tests.unit.present.conftest import OpenExample


def _pane(frame: Frame, width: int = 90, node: int | None = None) -> str:
    return to_text(PANES["saved"].render(frame, Options(width=width, selected_node=node)), width)


def test_what_is_held_and_what_was_freed(example: OpenExample) -> None:
    """Names, numbers and bytes are there; from the node's run on, the backward and the line that freed them."""
    tape = example("chain_rule")
    before, after = _pane(tape.frame(4)), _pane(tape.frame(10))
    assert before.startswith("PowBackward0   d = c ** 2")
    assert "self         c  [7 9 11 13]  ([4] float32, 16 bytes)" in before
    assert "held until a backward without retain_graph" in before
    assert "the graph holds 24 bytes for backward, in 2 of 3 nodes" in before
    assert "freed by backward() of line 13 (event 6), once it had run this node (event 10)" in after
    assert "the graph holds 8 bytes for backward" in after


def test_a_selected_node_and_an_empty_graph(example: OpenExample) -> None:
    """Another node can be looked at; before the first op there is none."""
    tape = example("chain_rule")
    assert _pane(tape.frame(4), node=2).startswith("MulBackward0")
    assert "no graph is held" in _pane(tape.frame(0))


def test_what_was_not_read_makes_it_a_least(tmp_path: Path) -> None:
    """A node that was not read is said to be, hostile text is shown as text, and the sum is called a least."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        x = builder.leaf("x", [1.0])
        y = builder.op("Tensor.exp", "ExpBackward0", [x], [2.0], name="y")
        z = builder.op("Tensor.exp", "ExpBackward0", [y], [3.0], name="z")
        builder.save(z, SavedEntry("re\x1b[31msult", "packed", note="by a hook"))
        builder.end()
    with Tape.open(tmp_path / "t.tape") as tape:
        text = _pane(tape.frame(3), 120)
        assert NOT_READ in _pane(tape.frame(3), 120, node=y.node)
        assert "\x1b" not in text
        assert "holds at least 0 bytes" in text
        assert "of 2 nodes it is not known what they hold" in text


def test_the_json_says_the_same(example: OpenExample) -> None:
    """The JSON has the tensors, what freed them and the sum."""
    found = pane_json("saved", example("chain_rule").frame(10))
    assert found["saved"]["tensors"][0]["value"]["values"] == [7, 9, 11, 13]
    assert found["saved"]["freed"] == {"event": 10, "backward": 6, "call": "backward", "line": 13}
    assert (found["memory"]["bytes"], found["memory"]["least"]) == (8, False)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (2048, "2,048 bytes"), (204800, "200.0 KiB"), (3 << 20, "3.0 MiB")],
)
def test_bytes_as_text(count: int, text: str) -> None:
    """Small numbers are exact, large ones have a unit."""
    assert bytes_text(count) == text
