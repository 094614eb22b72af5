"""Whole numbers as people type them."""

from __future__ import annotations

import pytest

from gradb.debugger.numerals import MOST, read_whole


@pytest.mark.parametrize("text", ["", " 1", "-1", "+1", "1.5", "1_000", "²", "٣", str(MOST + 1), "9" * 5000])
def test_what_is_no_whole_number(text: str) -> None:
    """Signs, other scripts' digits and numbers that nothing here can have are refused, however long the text is."""
    assert read_whole(text) is None


def test_whole_number_is_between_its_bounds() -> None:
    """Both bounds are numbers still, and zeros in front change nothing."""
    assert [read_whole(text, 2, 10) for text in ("1", "2", "010", "11")] == [None, 2, 10, None]
    assert read_whole(str(MOST)) == MOST
