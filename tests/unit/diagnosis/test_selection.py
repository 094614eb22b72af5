"""Which rules are judged: codes, beginnings of codes, hints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gradb.diagnosis.selection import Selection, UnknownRuleError, no_such, read_codes, rules_beginning
from tests.unit.diagnosis.rows import TABLE, alone


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone():
        yield


CASES = (
    ("", "", False, "G901 G902 G903 G991"),
    ("", "", True, "G901 G902 G903 G951 G991"),
    ("G90", "", False, "G901 G902 G903"),
    ("g90", "G902", False, "G901 G903"),
    ("G951", "", False, "G951"),
    ("G901", "", True, "G901 G951"),
    ("", "G9", True, ""),
    ("G901,G99", "G99", False, "G901"),
)


@pytest.mark.parametrize(("select", "ignore", "hints", "expected"), CASES)
def test_what_is_judged(select: str, ignore: str, hints: bool, expected: str) -> None:
    """A code stands for all that begin with it; hints are judged where they are asked for; to ignore goes before."""
    selection = Selection(read_codes([select]), read_codes([ignore]), hints)
    assert [rule.code for rule in selection.rules()] == expected.split()


def test_hints_that_nobody_asked_for_are_counted() -> None:
    """Whoever selects rules has not been kept from anything."""
    assert Selection().hints_off() == 1
    assert Selection(ignored=("G951",)).hints_off() == 0
    assert Selection(with_hints=True).hints_off() == Selection(("G901",)).hints_off() == 0


def test_codes_are_given_once_or_more_often() -> None:
    """With commas or with the option again, in any case of letters."""
    assert read_codes(["g901, G902", "G1"]) == ("G901", "G902", "G1")


@pytest.mark.parametrize("code", ["G8", "X", "G9011"])
def test_what_begins_no_code_is_refused(code: str) -> None:
    """Selected or ignored, a slip of the pen must not pass for a clean run."""
    for selected, ignored in (((code,), ()), ((), (code,))):
        with pytest.raises(UnknownRuleError, match=f"there is no rule '{code}'"):
            Selection(selected, ignored)


def test_rules_are_found_by_how_their_codes_begin() -> None:
    """As they are selected; and for what begins none the nearest is suggested."""
    assert rules_beginning("g902") == (TABLE["G902"],)
    assert [rule.code for rule in rules_beginning("G90")] == ["G901", "G902", "G903"]
    assert no_such("G9O2") == "there is no rule 'G9O2': did you mean G902?"
    for unknown in ("G8", "", "G9011"):
        with pytest.raises(UnknownRuleError):
            rules_beginning(unknown)
