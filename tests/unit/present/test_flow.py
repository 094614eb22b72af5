"""Bars of gradients: a cell is a power of ten, and what is not known is said."""

from __future__ import annotations

import math

from gradb.frame.graph.flows import Flow
from gradb.present.lines.flow import CELLS, bar_cells, cells, flow_text, range_text, range_words, room


def test_a_cell_is_a_power_of_ten() -> None:
    """The largest fills the bar; a tenth of it leaves a cell empty; zero and what is far below leave all empty."""
    assert [cells(2.0 / 10**power, 2.0) for power in range(4)] == [CELLS, CELLS - 1, CELLS - 2, CELLS - 3]
    assert cells(0.0, 2.0) == cells(1e-30, 2.0) == cells(1.0, 0.0) == 0
    assert cells(math.inf, 2.0) == cells(math.nan, 2.0) == CELLS
    assert cells(5e-324, 1.7e308) == 0


def test_what_is_not_known_is_said() -> None:
    """A mark, not an empty bar that could be a zero; a node that has not run has nothing."""
    assert flow_text(Flow(None, 3.0), "norm", 5.0).plain == f"{'·' * CELLS} {'?':<{room(CELLS) - CELLS - 1}}"
    assert flow_text(Flow(None, None, is_undefined=True), "norm", 5.0).plain.split() == ["·" * CELLS, "none"]
    assert flow_text(Flow(0.0, 0.0), "max", 5.0).plain.split() == ["·" * CELLS, "0"]
    assert flow_text(Flow(5.0, 3.0), "norm", 5.0).plain.split() == ["█" * CELLS, "5"]
    assert not flow_text(None, "norm", 5.0).plain.strip()
    assert flow_text(Flow(math.nan, math.nan), "norm", 5.0).plain.split()[1] == "nan"


def test_a_fold_has_a_range() -> None:
    """From the least to the most; what is not known or not finite is counted."""
    flows = [Flow(5.0, 5.0), Flow(0.5, 0.5), Flow(None, 1.0), None, Flow(None, None, is_undefined=True)]
    assert range_text(flows, "norm", 5.0).plain.split() == ["█" * (CELLS - 1) + "▒", "5"]
    assert range_words(flows, "norm") == "0.5 to 5, 1 not known"
    assert range_words([Flow(math.inf, math.inf), Flow(1.0, 1.0)], "norm") == "1, 1 not finite"
    assert range_text([Flow(math.inf, math.inf)], "norm", 5.0).plain.split()[1] == "inf"
    assert not range_text([None], "norm", 5.0).plain.strip()
    assert range_words([None], "norm") == ""


def test_where_there_is_little_room_there_are_numbers_and_no_bars() -> None:
    """The names of nodes need it more."""
    assert bar_cells(34) == 0
    assert bar_cells(80) == CELLS
    for bar in (0, CELLS):
        lines = [flow_text(Flow(5.0, 3.0), "norm", 5.0, bar), flow_text(None, "norm", 5.0, bar)]
        lines += [range_text([Flow(5.0, 3.0)], "norm", 5.0, bar), range_text([None], "norm", 5.0, bar)]
        lines.append(range_text([Flow(None, 1.0)], "norm", 5.0, bar))
        assert {line.cell_len for line in lines} == {room(bar)}
    assert flow_text(Flow(5.0, 3.0), "norm", 5.0, 0).plain.split() == ["5"]
    assert range_text([Flow(5.0, 3.0)], "norm", 5.0, 0).plain.split() == ["5"]
