"""Strings of a stranger's tape are shown, never obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gradb.present.safe import plain, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r", "a\\nb\\r"),
        ("\u202eabc", "\\u202eabc"),
        ("\u200b", "\\u200b"),
        ("\ud800", "\\ud800"),
        ("\t", "    "),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("äöü 梯度", "äöü 梯度"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_active_characters_are_spelled_out(text: str, shown: str) -> None:
    """Escape sequences, direction marks and invisible characters become visible; letters of any script stay."""
    assert plain(text) == shown


@given(st.text(), st.text())
def test_a_prefix_stays_a_prefix(first: str, second: str) -> None:
    """The map is character by character, so that columns can be converted."""
    assert plain(first + second) == plain(first) + plain(second)


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    """The result has no control or format character."""
    assert all(char.isprintable() or char.isspace() for char in plain(text))
    assert not set(plain(text)) & set("\x1b\x9b\n\r\x00\x07")


def test_absurd_sizes_are_cut() -> None:
    """A long string is cut, and the cut shows."""
    assert plain("x" * 1_000_000, 10) == "xxxxxxxxxx…"


def test_lines_are_split_at_line_ends_only() -> None:
    """A carriage return inside of a line is shown, one before a line end is not."""
    assert plain_lines("a\r\nb\rc\n") == ["a", "b\\rc"]
