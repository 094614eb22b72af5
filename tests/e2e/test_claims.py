"""docs/claims.md: each claim that it judges can be looked at, and there stands what it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from gradb.batch.script import prepare
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from tests.e2e.gradb_process import ROOT, gradb

PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the page."""

    said: str
    """What the text says."""
    verdict: str
    """``true``, ``nearly`` or ``no``."""
    scenario: str
    commands: str
    """What leads to the position there, and prints what is to be seen."""
    shown: tuple[str, ...]
    """What stands there, blanks closed up."""


def read(row: str) -> Claim:
    """Read a row of a table."""
    said, truth, look, shown = row.split(" | ")
    scenario, commands = re.findall("`([^`]+)`", look)
    return Claim(
        said, re.findall(r"^\*\*(\w+)\*\*", truth)[0], scenario, commands, tuple(re.findall("`([^`]+)`", shown))
    )


CLAIMS = [read(row) for row in re.findall(r"^\| (?!the text says)(.*) \|$", PAGE, re.MULTILINE)]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what records a scenario, once."""
    folder = tmp_path_factory.mktemp("tapes")

    @cache
    def record(scenario: str) -> Path:
        path = folder / f"{scenario}.tape"
        done = gradb("record", "-o", path, f"scenarios/{scenario}.py", cwd=ROOT)
        assert (done.code, done.err) == (0, "")
        return path

    return record


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.scenario}-{CLAIMS.index(claim) + 1}")
def test_what_a_claim_is_judged_by_stands_there(claim: Claim, tape: Callable[[str], Path]) -> None:
    """On a recording of the scenario the commands of the row print the words of its last column."""
    debugger = Debugger.open(str(tape(claim.scenario)))
    printed: list[str] = []
    try:
        prepare(claim.commands, "").run(debugger, Style(), printed.append)
    finally:
        debugger.close()
    text = " ".join("".join(printed).split())
    assert claim.shown
    assert not [words for words in claim.shown if words not in text], text


def test_claims_are_counted() -> None:
    """The page says first how many are true, nearly so, and not."""
    count = Counter(claim.verdict for claim in CLAIMS)
    told = f"{len(CLAIMS)} claims, {count['true']} of them true, {count['nearly']} nearly so and {count['no']} not"
    assert told in " ".join(PAGE.split())
    assert sum(count.values()) == count["true"] + count["nearly"] + count["no"]
