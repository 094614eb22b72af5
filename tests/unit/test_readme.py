"""The README says what is true of the code beside it."""

from __future__ import annotations

import re
from pathlib import Path

from gradb.cli.scenarios import CHAPTERS
from gradb.debugger.commands.registry import BY_NAME, SIGNS
from gradb.present.panes.table import PANES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
JSON = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
SHORT = {sign: key for key, sign in SIGNS.items()}
"""Keys as the README writes them, and as Textual names them."""


def key_rows() -> list[tuple[list[str], list[str]]]:
    """Return keys and commands of each row of the README's table of keys."""
    table = README.partition("| keys | command | |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()]
    return [(re.findall(r"`([^`]+)`", keys), re.findall(r"`([^`]+)`", names)) for keys, names in rows]


def test_ci_runs_the_command_of_the_readme() -> None:
    """What CI runs is the very line that the README gives to everybody."""
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] in README.splitlines()


def test_keys_are_those_of_the_registry() -> None:
    """Each key in the table does what the table says."""
    for keys, names in key_rows():
        bound = [key for name in names for key in BY_NAME[name].keys]
        assert {SHORT.get(key, key) for key in keys} <= set(bound), names
    assert len(key_rows()) > 15


def test_panes_are_all_listed() -> None:
    """Where panes are listed, those of the table are, each once."""
    (listed,) = re.findall(r"# print one pane: (.*)$", README, re.MULTILINE)
    assert listed.split(", ") == list(PANES)
    table = JSON.partition("| pane | fields |\n|---|---|\n")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == sorted(PANES)


def test_scenarios_are_listed_as_the_course() -> None:
    """Each chapter has its row, and below it each of its scenarios."""
    rows = re.findall(r"^\| (?:\*\*(.+)\*\*|`(\w+)\.py`) \|", README, re.MULTILINE)
    course = [row for chapter, names in CHAPTERS.items() for row in ((chapter, ""), *(("", name) for name in names))]
    assert rows == course


def test_every_scenario_has_its_command_script() -> None:
    """Beside each scenario lies the command script that tests it."""
    scripts = {path.stem for path in (ROOT / "scenarios").glob("*.py")}
    assert scripts == {path.stem for path in (ROOT / "scenarios").glob("*.gradb")}
