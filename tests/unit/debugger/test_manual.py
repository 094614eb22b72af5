"""The page of commands says what the registry says."""

from __future__ import annotations

from pathlib import Path

from gradb.debugger.commands.manual import rewrite, tables
from gradb.debugger.commands.registry import COMMANDS
from gradb.debugger.stops import KINDS

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_page_is_up_to_date() -> None:
    """The tables in the docs are those that the registry makes."""
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert rewrite(page) == page, "run: python -m gradb.debugger.commands.manual docs/commands.md"


def test_every_command_has_its_row() -> None:
    """No command is missing from the tables."""
    rows = [row for row in tables().splitlines() if row.startswith("| `")]
    assert len(rows) == len(COMMANDS)
    assert all(any(command.help in row and f"| `{command.name}" in row for row in rows) for command in COMMANDS)


def test_every_kind_of_event_is_documented() -> None:
    """The JSON page names each kind of event."""
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in page for kind in KINDS)
