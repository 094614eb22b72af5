"""The schema as docs/tape.md shows it."""

from __future__ import annotations

from pathlib import Path

from gradb.tape.schema import APPLICATION_ID, FORMAT_VERSION, SCHEMA

PAGE = (Path(__file__).parents[3] / "docs" / "tape.md").read_text(encoding="utf-8")


def test_the_page_shows_the_schema_of_this_format() -> None:
    """Tables and columns with their comments, word for word, and the two numbers by which a file is known."""
    (shown,) = (part.partition("```")[0] for part in PAGE.split("```sql\n")[1:])
    assert shown.strip() == SCHEMA.strip()
    assert f"`PRAGMA application_id` is {APPLICATION_ID} " in PAGE
    assert f"is the format: {FORMAT_VERSION}." in PAGE
