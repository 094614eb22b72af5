"""Where the panes go, what the key bar leaves out: arithmetic, no screen needed."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gradb.present.panes.table import PANES
from gradb.tui.keybar import fitting
from gradb.tui.keys import key_hints
from gradb.tui.layout import places, visible_panes

_FRAME = 9  # cells of the source pane that are no source: border, marks, line number, scroll bar


@given(
    st.integers(60, 400),
    st.integers(12, 120),
    st.sampled_from(["", *PANES]),
    st.sampled_from(["source", "output"]),
    st.sampled_from(["graph", "training"]),
    st.sampled_from(["chain", "paths", "saved", "aten"]),
)
def test_the_panes_cover_the_body(width: int, height: int, zoomed: str, left: str, right: str, about: str) -> None:
    """Every cell of the body belongs to one pane, at every size."""
    names = visible_panes(width, height + 4, zoomed, frozenset({left, right, about}))
    found = places(names, width, height)
    assert set(found) == names
    cells = [(x, y) for place in found.values() for x in range(place.x, place.x + place.width)
             for y in range(place.y, place.y + place.height)]  # fmt: skip
    assert len(cells) == len(set(cells)) == width * height
    assert max(x for x, _ in cells) == width - 1
    assert max(y for _, y in cells) == height - 1


@pytest.mark.parametrize(("width", "readable"), [(80, 27), (120, 50), (160, 70), (180, 70), (200, 79)])
def test_the_source_is_wide_enough_to_read(width: int, readable: int) -> None:
    """At 120 columns most lines of Python fit, at 200 all of 79 columns."""
    assert (
        places(visible_panes(width, 40, "", frozenset({"source", "graph", "chain"})), width, 36)["source"].width
        - _FRAME
        >= readable
    )


def test_help_and_the_way_out_stay_in_the_key_bar() -> None:
    """Where not all keys fit, those before the last two go."""
    hints = tuple(key_hints())
    assert fitting(hints, 200) == hints
    narrow = fitting(hints, 40)
    assert [hint.label for hint in narrow][-2:] == ["help", "quit"]
    assert sum(hint.width + 1 for hint in narrow) - 1 <= 40
    assert narrow[0] == hints[0]
