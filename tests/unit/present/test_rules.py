"""Rules in words, and the page that is made of them."""

from __future__ import annotations

from pathlib import Path

from gradb.diagnosis.registry import RULES
from gradb.present.lines.rules import list_lines, page, rule_lines
from tests.unit.diagnosis.rows import TABLE

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_page_is_up_to_date() -> None:
    """The page of the docs is the one that the rows make."""
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert text == page(), "run: python -m gradb.present.lines.rules docs/rules.md"


def test_every_rule_is_on_the_page() -> None:
    """With its title, what it means and what to do."""
    text = page()
    assert all(f"### {rule.code}: {rule.title}" in text and rule.advice in text for rule in RULES.values())


def test_a_rule_in_full() -> None:
    """Title, severity, meaning, advice, and of a hint the threshold, in the width there is."""
    lines = rule_lines(TABLE["G951"], 20)
    assert lines[0] == "G951 step is there (hint)"
    text = " ".join(lines)
    assert "It matters." in text
    assert "What to do: Take it away." in text
    assert "Threshold: more than 0 steps" in text
    assert all(len(line) <= 20 for line in lines[1:])


def test_the_list_has_a_line_each() -> None:
    """Code, severity and title."""
    assert list_lines(TABLE.values())[0] == "G901  warning  accumulate is there"
