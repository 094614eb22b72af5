"""Lines of a pane that are drawn without being laid out."""

from __future__ import annotations

from hypothesis import given, strategies as st
from rich.console import Console, Group
from rich.text import Text

from gradb.present.draw.fields import held
from gradb.tui.pane import lines_of

WIDTH = 12
pieces = st.tuples(
    st.sampled_from(["a", "  ", "long word", "\u0301", "\u5f62", "x\ty", "two\nlines"]),
    st.sampled_from(["", "bold", "dim red"]),
)
texts = st.builds(
    lambda style, parts, no_wrap: Text.assemble(*parts, style=style, no_wrap=no_wrap),
    st.sampled_from(["", "green"]), st.lists(pieces, max_size=5), st.booleans(),
)  # fmt: skip


@given(st.lists(texts, max_size=4))
def test_a_line_is_drawn_as_rich_draws_it(found: list[Text]) -> None:
    """Segment by segment, whatever its style, its blanks, and its width; what is cut ends in an ellipsis."""
    console = Console(width=WIDTH, _environ={})
    group = Group(*found[:1], Group(*found[1:]))
    options = console.options.update(width=WIDTH, height=None, highlight=False, markup=False)
    laid_out = console.render_lines(held(group, WIDTH), options, pad=False) if found else []
    assert [list(strip) for strip in lines_of(group, console, WIDTH)] == laid_out
