"""`sort`, `filter` and `unfold`: what they choose, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.batch.show import Style, debugger_text
from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.gradtable import COLUMNS, KINDS, ROUND
from gradb.present.options import Grads
from tests.bench.reader.drawing import Silent
from tests.fakes import examples
from tests.unit.debugger.conftest import Recorded


@pytest.fixture
def debugger(tmp_path: Path) -> Debugger:
    """Return a debugger on a recorded run."""
    examples.chain_rule(tmp_path / "t.tape")
    return Debugger.open(str(tmp_path / "t.tape"))


def run(debugger: Debugger, text: str) -> Grads:
    """Run statements and return how buffers are listed then."""
    for statement in parse(text):
        statement.run(debugger, Silent())
    return debugger.grads


@pytest.mark.parametrize(
    ("text", "sort", "is_reversed"),
    [
        ("sort norm", "norm", False),
        ("sort norm; sort norm", "norm", True),
        ("sort norm; sort ratio", "ratio", False),
        ("sort norm up", "norm", True),
        ("sort norm up; sort norm down", "norm", False),
        ("sort name", "name", False),
        ("sort name up", "name", False),
        ("sort name down", "name", True),
        ("sort norm; sort script", "script", False),
        ("sort", ROUND[1], False),
    ],
)
def test_sorting(debugger: Debugger, text: str, sort: str, is_reversed: bool) -> None:
    """By a column, the other way round the second time; up is from the smallest, or from A."""
    assert run(debugger, text) == Grads(sort, is_reversed)


def test_the_key_goes_round(debugger: Debugger) -> None:
    """After the last column it is the script's order again."""
    assert [run(debugger, "sort").sort for _ in ROUND] == [*ROUND[1:], ROUND[0]]
    assert set(ROUND) < set(COLUMNS)


def test_filtering_and_unfolding(debugger: Debugger) -> None:
    """Each can be taken back."""
    assert run(debugger, "filter layer 3").words == "layer 3"
    assert run(debugger, "filter").words == ""
    assert run(debugger, "unfold gone").unfolded == {"gone"}
    assert run(debugger, "unfold").unfolded == set()
    assert run(debugger, "unfold").unfolded == set(KINDS)
    assert run(debugger, "unfold frozen").unfolded == {"gone"}
    assert run(debugger, "unfold none").unfolded == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sort nrom", "did you mean norm?"),
        ("sort norm sideways", "sort norm up"),
        ("unfold leaves", "gone, frozen, all or none"),
        (f"filter {'x' * 500}", "at most 200"),
    ],
)
def test_what_makes_no_sense_is_refused(debugger: Debugger, text: str, words: str) -> None:
    """In one sentence that says what there is."""
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        run(debugger, text)


def test_show_prints_what_was_chosen(debugger: Debugger) -> None:
    """A command script lists as the screen does."""
    run(debugger, "head; sort norm; filter a")
    assert debugger_text("grads", debugger, Style()).startswith("by norm, largest first, 'a': 1 of 1\n")


def test_values_are_looked_at_as_of_the_position(debugger: Debugger) -> None:
    """An expression is read at once, and comes to something wherever the position is."""
    run(debugger, "values a.grad")
    assert "values" not in debugger.looked().text
    assert debugger.looked().found is not None
    run(debugger, "head")
    assert "28" in debugger_text("values", debugger, Style())
    with pytest.raises(UserError):
        run(debugger, "values )(")


@pytest.mark.parametrize(
    ("position", "text"), [(0, ""), (4, "d"), (9, "upstream"), (10, "upstream"), (16, "a.grad"), (17, "")]
)
def test_values_alone_are_those_of_the_event(position: int, text: str, recorded: Recorded) -> None:
    """Who has named no tensor looks at the op's result, at what came to the node, at the buffer that was filled."""
    debugger = recorded("chain_rule")
    debugger.go(position)
    run(debugger, "values")
    assert debugger.looked().text == text
    run(debugger, "values b; start; values")
    assert debugger.looked().text == "b"
