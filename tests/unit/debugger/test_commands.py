"""The registry and the language made from it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.commands.language import parse, split
from gradb.debugger.commands.registry import BY_NAME, COMMANDS, GROUPS
from gradb.debugger.errors import UserError
from gradb.debugger.stops import describe, parse_stop
from gradb.present.panes.table import PANES
from gradb.tape.stops import Stop
from tests.unit.debugger.conftest import Notes, Recorded, carry_out


def test_names_and_keys_are_given_once() -> None:
    """No two commands share a name or a key."""
    names = [command.name for command in COMMANDS]
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)


def test_each_command_is_explained() -> None:
    """Each has one line of help and a group, and what it is undone by undoes it."""
    for command in COMMANDS:
        assert command.help, command.name
        assert "\n" not in command.help
        assert not command.help.endswith(".") or command.help.endswith("...")
        assert command.group in GROUPS
        assert (command.group == "screen") == command.has_screen
        assert not command.twin or BY_NAME[command.twin].twin == command.name


def test_every_movement_has_its_reverse() -> None:
    """A movement with a key has a twin with a key."""
    movements = [command for command in COMMANDS if command.group == "move" and command.keys]
    assert [command.name for command in movements if not BY_NAME[command.twin].keys] == []
    assert len(movements) > 10


def test_what_needs_a_screen_is_refused_without_one(recorded: Recorded) -> None:
    """What only a screen can do is refused, in a sentence."""
    debugger = recorded("chain_rule")
    for command in (command for command in COMMANDS if command.has_screen):
        with pytest.raises(UserError, match=f"`{command.name}` needs a screen"):
            carry_out(debugger, command.name)


def test_any_front_end_carries_statements_out(recorded: Recorded) -> None:
    """Show a pane, check a gradient, say something: who does these three is a front end."""
    debugger, notes = recorded("chain_rule"), Notes()
    for statement in parse("step 2; show chain; gradcheck a[2]; breakpoints"):
        statement.run(debugger, notes)
    assert (notes.shown, notes.checked) == (["chain"], ["a[2]"])
    assert notes.said == ["", "there are no breakpoints"]
    assert debugger.position == 2


def test_panes_are_commands_too() -> None:
    """Each pane that `show` shows can be looked at on the screen."""
    assert set(PANES) <= set(BY_NAME)


def test_statements_are_told_apart() -> None:
    """Semicolons and line ends separate, comments and quotes are respected, lines are counted."""
    script = 'step 6; back 2 # two; steps\n\n# nothing\nexpect "a;b#c" in event.text; # end\n;;quit;'
    assert split(script) == [(1, "step 6"), (1, "back 2"), (4, 'expect "a;b#c" in event.text'), (5, "quit")]


def test_stray_quote_is_a_character() -> None:
    """A quote that is not closed on its line swallows nothing."""
    assert split("save it's; step\nback") == [(1, "save it's"), (1, "step"), (2, "back")]


def test_statement_is_command_and_argument() -> None:
    """The first word names the command; ``x back`` is ``x-back``; spaces do not matter."""
    statements = parse("  until   node  PowBackward0 ; line back 2;line-back 2; step")
    found = [(statement.command.name, statement.argument) for statement in statements]
    assert found == [("until", "node  PowBackward0"), ("line-back", "2"), ("line-back", "2"), ("step", "")]


@pytest.mark.parametrize(("text", "sentence"), [("fly", "no command 'fly'"), ("stpe", "did you mean step?")])
def test_unknown_command_is_refused_before_anything_runs(text: str, sentence: str) -> None:
    """A script with a mistake is not begun."""
    with pytest.raises(UserError, match=sentence):
        parse(f"step; {text}")


@given(st.text(max_size=60))
def test_any_text_is_split(text: str) -> None:
    """No text breaks the splitting, and no statement is empty."""
    assert all(statement.strip() for _, statement in split(text))


STOPS = (
    ("node PowBackward0", Stop("node", "PowBackward0")),
    ("line 12", Stop("at", "12")),
    ("at 12", Stop("at", "12")),
    ("12", Stop("at", "12")),
    ("train.py:12", Stop("at", "train.py:12")),
    ("line src/train.py:12", Stop("at", "src/train.py:12")),
    ("my runs (2)/train.py:12", Stop("at", "my runs (2)/train.py:12")),
    ("iteration 120", Stop("iteration", "120")),
    ("error", Stop("kind", "error")),
    ("kind output", Stop("kind", "output")),
    ("step", Stop("kind", "step")),
    ("nonfinite", Stop("nonfinite")),
)


@pytest.mark.parametrize(("text", "stop"), STOPS)
def test_places_to_stop(text: str, stop: Stop) -> None:
    """Each way to say where to stop is understood, and is said back in words that are understood."""
    assert parse_stop(text) == stop
    assert parse_stop(describe(stop)) == stop


BAD_ARGUMENTS = (
    "step x",
    "step 0",
    "step -1",
    "step 99999999999999",
    "step ²",
    "goto",
    "goto nowhere",
    "goto -3",
    "goto 99999999999999999999",
    "until",
    "until weather",
    "until node",
    "until line x",
    "until iteration",
    "until iteration x",
    "until-back iteration 0",
    "iteration @x",
    "iteration @",
    "iteration-back @0",
    "zero-grad sideways",
    "zero-grad off@x",
    "lr",
    "lr fast",
    "lr -1",
    "record some",
    "break iteration",
    "until line ²",
    "until error now",
    "start now",
    "head 3",
    "continue 3",
    "finish now",
    "pause now",
    "quiet maybe",
    "breakpoints 3",
    "clear line 3",
    "break weather",
    "save",
    "save " + "x" * 5000,
    "save \0",
    "save ~nobody.of.that.name/x.tape",
    "save \ud800",
    "path \ud800",
    "until iteration \u00b2",
    "goto " + "9" * 400,
    "expect",
    "expect out == " + "9" * 400,
    "display a ==",
    "undisplay",
    "undisplay x",
    "undisplay 1",
    "undisplay \u00b2",
    "undisplay " + "9" * 5000,
)


def test_bad_arguments_are_refused(recorded: Recorded) -> None:
    """An argument that makes no sense is told in one sentence, and nothing moves."""
    debugger = recorded("chain_rule")
    for text in BAD_ARGUMENTS:
        (statement,) = parse(text)
        with pytest.raises(UserError) as caught:
            statement.run(debugger, Notes())
        assert "\n" not in str(caught.value), text
        assert debugger.position == 0, text


def test_displays_are_listed_and_taken_away(recorded: Recorded) -> None:
    """Each has a number; one without a value yet is told to have none."""
    debugger = recorded("chain_rule")

    def do(text: str) -> str:
        return carry_out(debugger, text)

    assert do("display") == "there are no displays, e.g. display norm(upstream)"
    assert do("display a.grad") == "display 1: a.grad (no tensor is called 'a' at position 0)"
    assert do("display phase") == "display 2: phase"
    assert do("display") == "displays: 1: a.grad, 2: phase"
    assert do("undisplay 1") == "not displayed any more: a.grad"
    assert do("undisplay all") == "1 display taken away"
    assert do("undisplay all") == "0 displays taken away"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("info breakpoints", "breakpoints"),
        ("info break", "breakpoints"),
        ("info displays", "displays"),
        ("stpe", "step"),
    ],
)
def test_what_other_debuggers_call_info_is_hinted_at(typed: str, hint: str) -> None:
    """Behind the word `info` stands what is meant."""
    with pytest.raises(UserError, match=f"did you mean {hint}\\?"):
        parse(typed)
