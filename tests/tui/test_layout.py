"""Where the panes go, how they are resized and hidden, what the key bar leaves out: arithmetic, no screen needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.errors import UserError
from gradb.present.panes.table import PANES, sharing
from gradb.tui.keybar import fitting
from gradb.tui.keys import key_hints
from gradb.tui.layout import (
    COLUMNS,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    SIZE_CLASSES,
    Cells,
    Plan,
    Shape,
    SizeClass,
    places,
    size_class,
    visible_panes,
)
from gradb.tui.shaping import heightened, hiding, revealing, widened

_FRAME = 9  # cells of the source pane that are no source: border, marks, line number, scroll bar
_FIRST = frozenset(sharing(name)[0] for name in PANES)
_SIZES: dict[SizeClass, tuple[int, int]] = {
    "narrow": (80, 24),
    "medium": (110, 26),
    "tall": (120, 40),
    "wide": (200, 60),
}
_SHARES = st.integers(1, 400)


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    """Make a plan that a user could have come to, or a file could have."""
    size: SizeClass = draw(st.sampled_from(SIZE_CLASSES))
    columns = COLUMNS[size]
    every = [place for column in columns for place in column]
    hidden = draw(st.frozensets(st.sampled_from(every), max_size=len(every) - 1))
    widths = draw(st.just(()) | st.tuples(*[_SHARES] * len(columns)))
    heights = draw(st.just(()) | st.tuples(*(st.just(()) | st.tuples(*[_SHARES] * len(each)) for each in columns)))
    return Plan(size, Shape(hidden, widths, heights))


def _seen(plan: Plan, *fronts: str) -> frozenset[str]:
    return visible_panes(plan, "", frozenset(fronts) or _FIRST)


def _cover(found: dict[str, Cells], width: int, height: int) -> None:
    cells = [(x, y) for place in found.values() for x in range(place.x, place.x + place.width)
             for y in range(place.y, place.y + place.height)]  # fmt: skip
    assert len(cells) == len(set(cells)) == width * height
    assert max(x for x, _ in cells) == width - 1
    assert max(y for _, y in cells) == height - 1


@given(
    _plans(),
    st.integers(60, 260),
    st.integers(9, 70),
    st.sampled_from(["", "", *PANES]),
    st.sampled_from(["source", "output"]),
    st.sampled_from(["graph", "training"]),
    st.sampled_from(["chain", "paths", "saved", "aten"]),
)
def test_the_panes_cover_the_body(
    plan: Plan, width: int, height: int, zoomed: str, left: str, right: str, about: str
) -> None:
    """Every cell of the body belongs to one pane and none is too small, at every size, whatever the user has done."""
    names = visible_panes(plan, zoomed, frozenset({left, right, about}))
    found = places(names, plan, width, height)
    assert set(found) == names
    _cover(found, width, height)
    assert min(place.width for place in found.values()) >= min(LEAST_WIDTH, width // 3)
    assert min(place.height for place in found.values()) >= LEAST_HEIGHT


@given(_plans(), st.data(), st.integers(60, 260), st.integers(9, 70), st.integers(-30, 30).filter(bool))
def test_a_border_moves_and_nothing_else(plan: Plan, data: st.DataObject, width: int, height: int, by: int) -> None:
    """A pane gets what was asked for, or less where there is not enough; the other columns and panes keep theirs."""
    names = _seen(plan)
    pane = data.draw(st.sampled_from(sorted(names)))
    resize: Callable[..., Shape] = data.draw(st.sampled_from([widened, heightened]))
    before = places(names, plan, width, height)
    try:
        shape = resize(pane, by, names, plan, width, height)
    except UserError:
        return
    after = places(names, Plan(plan.size, shape), width, height)
    _cover(after, width, height)
    side = "width" if resize is widened else "height"
    change = {name: getattr(after[name], side) - getattr(before[name], side) for name in names}
    assert 0 < abs(change[pane]) <= abs(by)
    assert change[pane] * by > 0
    assert {abs(each) for each in change.values()} <= {0, abs(change[pane])}
    other = "height" if side == "width" else "width"
    assert all(getattr(after[name], other) == getattr(before[name], other) for name in names)


@given(_plans(), st.sampled_from(list(PANES)))
def test_what_is_hidden_comes_back_where_it_was(plan: Plan, pane: str) -> None:
    """Hiding and revealing is as if nothing had been; the last place stays."""
    before = revealing(pane, plan)
    if len(_seen(Plan(plan.size, before))) == 1:
        with pytest.raises(UserError, match="last pane"):
            hiding(pane, Plan(plan.size, before))
        return
    hidden = hiding(pane, Plan(plan.size, before))
    assert len(_seen(Plan(plan.size, hidden))) == len(_seen(Plan(plan.size, before))) - 1
    assert revealing(pane, Plan(plan.size, hidden)) == before


def test_what_is_hidden_keeps_its_share() -> None:
    """A border that moves meanwhile takes nothing from a column that is not seen."""
    plan = Plan("wide", Shape(widths=(74, 66, 60)))
    hidden = hiding("grads", Plan("wide", hiding("chain", plan)))
    moved = widened("source", 10, _seen(Plan("wide", hidden)), Plan("wide", hidden), 200, 56)
    back = Plan("wide", Shape(widths=moved.widths))
    assert places(_seen(back), back, 200, 56)["chain"].width == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("pane", "resize", "by", "words"),
    [
        ("source", widened, 400, ""),
        ("graph", heightened, 1, "above or below"),
        ("source", widened, -1, "narrow"),
    ],
)
def test_what_cannot_be_resized_says_why(pane: str, resize: Callable[..., Shape], by: int, words: str) -> None:
    """There is nothing to take room from, or no more of it."""
    plan = Plan("narrow", Shape(frozenset({"source"}) if "above" in words else frozenset(), (20, 60) if by < 0 else ()))
    names = _seen(plan)
    if words:
        with pytest.raises(UserError, match=words):
            resize(pane, by, names, plan, 80, 20)
    else:
        shape = resize(pane, by, names, plan, 80, 20)
        assert places(names, Plan("narrow", shape), 80, 20)[pane].width == 80 - LEAST_WIDTH
        with pytest.raises(UserError, match="as wide as it can be"):
            resize(pane, by, names, Plan("narrow", shape), 80, 20)


def test_sizes_of_terminals() -> None:
    """Each of the usual sizes has its class."""
    assert {size: size_class(*cells) for size, cells in _SIZES.items()} == {size: size for size in SIZE_CLASSES}


@pytest.mark.parametrize(("width", "source", "graph"), [(80, 27, 36), (120, 50, 60), (160, 70, 80), (200, 64, 64)])
def test_source_and_graph_are_wide_enough_to_read(width: int, source: int, graph: int) -> None:
    """At 120 columns most lines of Python fit; at 200 the graph has as much room as the source."""
    plan = Plan(size_class(width, 40))
    found = places(_seen(plan), plan, width, 36)
    assert found["source"].width - _FRAME >= source
    assert found["graph"].width >= graph


def test_help_and_the_way_out_stay_in_the_key_bar() -> None:
    """Where not all keys fit, those before the last two go."""
    hints = tuple(key_hints())
    assert fitting(hints, 200) == hints
    narrow = fitting(hints, 40)
    assert [hint.label for hint in narrow][-2:] == ["help", "quit"]
    assert sum(hint.width + 1 for hint in narrow) - 1 <= 40
    assert narrow[0] == hints[0]
