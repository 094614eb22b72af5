"""Strings of a stranger's tape are shown, never obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gradb.present.draw.safe import plain, plain_lines, plain_path


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


@pytest.mark.parametrize(
    ("path", "limit", "shown"),
    [
        ("model.fc.weight", 40, "model.fc.weight"),
        ("model.encoder.attention.self.query.weight", 24, "model.…self.query.weight"),
        ("model.encoder.attention.self.query.bias", 24, "model.…self.query.bias"),
        ("bert.encoder.layer.10.attention.self.query.weight", 33, "…10.attention.self.query.weight"),
        ("bert.encoder.layer.10.attention.self.query.weight", 40, "bert.…10.attention.self.query.weight"),
        ("w" * 20, 8, "…wwwwwww"),
        ("a_very_long_name_of_a_model.w\x1b", 10, "…w\\x1b"),
    ],
)
def test_a_long_path_is_cut_in_its_middle(path: str, limit: int, shown: str) -> None:
    """Its last parts are kept whole, with the number of the layer where it fits."""
    assert plain_path(path, limit) == shown


@given(st.text(), st.integers(8, 60))
def test_a_path_is_never_longer_than_its_limit(path: str, limit: int) -> None:
    """Whatever stands in it, where it has no characters to spell out."""
    if path.isprintable():
        assert len(plain_path(path, limit)) <= limit


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
