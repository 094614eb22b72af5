"""What is evaluated by the tape, what the held script is asked for, and where neither can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.printing import answer, ask
from gradb.tape.expressions.operands import Numbers
from gradb.tape.stops import Stop
from tests.fakes import TapeBuilder
from tests.processes.debugger.conftest import PATIENCE, Live


@pytest.fixture
def held(live: Live) -> Debugger:
    """Give a live debugger at the third event of the first scenario; what plays it answers with a length."""
    debugger = live("chain_rule")
    debugger.wait(PATIENCE)
    debugger.forward(Stop("event"), count=3)
    debugger.wait(PATIENCE)
    return debugger


@pytest.mark.parametrize("text", ["norm(a)", "tensor('a')", "1 + 2", "event.seq", "upstream"])
def test_what_only_the_tape_has_is_not_asked_for(text: str, held: Debugger) -> None:
    """What the script cannot say is told from the tape, and the position stays."""
    found = ask(held, text)
    assert found is not None
    assert (held.position, held.head) == (3, 3)


def test_why_there_is_no_value_is_told(held: Debugger) -> None:
    """Of a word that nothing in the script is called by, the tape says why there is no value."""
    found = ask(held, "grad_norm")
    assert found is not None
    assert found.found.why.startswith("there is no grad_norm yet")


def test_a_value_of_the_tape_says_where_it_is_from(held: Debugger) -> None:
    """The tape knows no scopes: of each variable event and place are told, in the past and of what only it can say."""
    norm = ask(held, "norm(a)")
    held.back(Stop("event"))
    past = ask(held, "a")
    assert norm is not None
    assert past is not None
    assert isinstance(past.found.value, Numbers)
    assert norm.origin == past.origin == "as of event 1, chain_rule.py:8"


@pytest.mark.parametrize("text", ["nobody", "a", "a.grad", "loss", "a + a", "max(a)", "a.mean()", "!a", "! a"])
def test_the_script_is_asked_for_the_rest(text: str, held: Debugger) -> None:
    """A variable is the held frame's: what names one, or is no expression of the tape's, is asked for, as with !."""
    assert ask(held, text) is None
    assert held.status == "evaluating"
    assert held.wait(PATIENCE)
    assert (held.position, held.head) == (4, 4)
    found = answer(held)
    wanted = text.removeprefix("!").strip()
    assert (found.event, found.detail.expression, found.detail.parts[0].text) == (4, wanted, str(len(wanted)))


def test_in_the_past_it_is_not_asked(held: Debugger) -> None:
    """There is no frame of that moment any more: what is recorded counts, and what is not is told."""
    held.back(Stop("event"))
    with pytest.raises(UserError, match="nobody"):
        ask(held, "nobody")
    with pytest.raises(UserError, match="it is held at event 3, not here: `head` goes there"):
        ask(held, "!nobody")
    found = ask(held, "grad_norm")
    assert found is not None
    assert found.found.why


def test_a_recording_cannot_be_asked(tmp_path: Path) -> None:
    """Only what is on it can be told, and it says so."""
    TapeBuilder.chain_rule_example(tmp_path / "run.tape")
    debugger = Debugger.open(str(tmp_path / "run.tape"))
    with pytest.raises(UserError, match="this is a recording: only what is on it can be told"):
        ask(debugger, "!a")
    with pytest.raises(UserError, match="no tensor is called 'nobody'"):
        ask(debugger, "nobody")
    debugger.close()


def test_an_answer_is_seen_from_its_event_on(held: Debugger) -> None:
    """It is part of the Frame at its position and later, and of none before."""
    ask(held, "nobody")
    held.wait(PATIENCE)
    held.forward(Stop("event"))
    held.wait(PATIENCE)
    printed = [held.tape.frame(position).printed for position in (3, 4, 5)] if held.tape else []
    assert [found and found.event for found in printed] == [None, 4, 4]
    with pytest.raises(UserError, match="has not answered"):
        answer(held)
