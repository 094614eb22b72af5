"""The command that chooses a path."""

from __future__ import annotations

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.present.options import PathChoice
from tests.unit.debugger.conftest import Notes, Recorded


def run(debugger: Debugger, script: str) -> PathChoice:
    """Carry out some statements and return what is chosen after them."""
    for statement in parse(script):
        statement.run(debugger, Notes())
    return debugger.choice


@pytest.mark.parametrize(
    ("script", "choice"),
    [
        ("path", PathChoice(number=1)),
        ("path; path", PathChoice(number=2)),
        ("path 4; path", PathChoice(number=1)),
        ("path 3", PathChoice(number=3)),
        ("path 3; path all", PathChoice()),
        ("path w", PathChoice(leaf="w")),
        ("path 2 w", PathChoice(leaf="w", number=2)),
        ("path 2 w; path", PathChoice(leaf="w", number=3)),
        ("path y1; path 2", PathChoice(leaf="y1", number=2)),
        ("path all y1", PathChoice(leaf="y1")),
    ],
)
def test_choosing_a_path(recorded: Recorded, script: str, choice: PathChoice) -> None:
    """A number shows that path, nothing the next and after the last the first, `all` lists them; a name is a leaf."""
    debugger = recorded("shared_weight")
    debugger.go(debugger.head)
    assert run(debugger, script) == choice


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("5", "there is no path 5: w has 4"),
        ("0", "there is no path 0: w has 4"),
        ("-1", "'-1' is not the number of a path"),
        ("2x", "'2x' is not the number of a path"),
        ("9" * 4001, "is not the number of a path"),
        ("9" * 3000, "w has 4 paths only"),
        ("nobody", "this backward does not go to 'nobody': it goes to w"),
        ("3 y1", "there is no path 3: y1 has 2"),
    ],
)
def test_what_cannot_be_chosen(recorded: Recorded, argument: str, sentence: str) -> None:
    """One sentence says why, and what was chosen before stays."""
    debugger = recorded("shared_weight")
    debugger.go(debugger.head)
    before = run(debugger, "path 2")
    with pytest.raises(UserError) as caught:
        run(debugger, f"path {argument}")
    assert sentence in str(caught.value)
    assert debugger.choice == before


def test_without_a_backward(recorded: Recorded) -> None:
    """In the forward there is nothing to choose."""
    debugger = recorded("shared_weight")
    debugger.go(3)
    with pytest.raises(UserError, match="none has begun"):
        run(debugger, "path 1")
