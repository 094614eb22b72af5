"""Without a screen: panes as text, events as JSON lines, command scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.batch.lines import line
from gradb.batch.record import ProgressLine
from gradb.batch.script import prepare
from gradb.batch.show import Style, pane_text
from gradb.cli.events import event_lines
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import BrokenOff, ExpectationFailed, UserError
from gradb.debugger.run import Run
from gradb.debugger.search import Search
from gradb.frame.reader import Tape
from gradb.present.panes.table import PANES
from tests.fakes import TapeBuilder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the tape of the first scenario."""
    TapeBuilder.chain_rule_example(tmp_path / "a.tape")
    return tmp_path / "a.tape"


@pytest.fixture
def debugger(path: Path) -> Iterator[Debugger]:
    """Give a debugger on it."""
    debugger = Debugger.open(str(path))
    yield debugger
    debugger.close()


def run(debugger: Debugger, text: str, origin: str = "") -> str:
    """Run a command script; return what it printed."""
    out: list[str] = []
    prepare(text, origin).run(debugger, Style(), out.append)
    return "".join(out)


def test_nodes_are_found_and_jumped_to(debugger: Debugger) -> None:
    """`find` prints the nodes that fit; after `jump` panes are about one of them, until the position moves."""
    assert run(debugger, "goto 5; find mul") == "1 node fits mul\n  · MulBackward0  b  [4]  b.grad_fn\n"
    assert run(debugger, "find [4]").startswith("4 nodes fit [4]\n  · PowBackward0  d  [4]  d.grad_fn\n")
    assert run(debugger, "find zebra") == "no node fits zebra\n"
    marked = [line for line in run(debugger, "jump a; show graph").splitlines() if line.startswith(" ›")]
    assert len(marked) == 1
    assert "AccumulateGrad  a" in marked[0]
    assert "›" not in run(debugger, "step; show graph")
    assert run(debugger, "goto 10; jump; show graph").count("▶›") == 1
    assert "PowBackward0" in run(debugger, "jump PowBackward0; show chain").splitlines()[0]


REFUSED = (
    ("goto 5; find", "`find` needs something to look for"),
    ("start; find b", "there is no graph yet"),
    ("goto 5; jump pow", r"there is no 'pow' in the graph here \(did you mean PowBackward0"),
    ("goto 19; jump", "the event here is about no node"),
)


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_what_cannot_be_found_is_refused(text: str, sentence: str, debugger: Debugger) -> None:
    """In one sentence, with what may have been meant."""
    with pytest.raises(UserError, match=sentence):
        run(debugger, text)


def test_found_nodes_as_json(debugger: Debugger) -> None:
    """One object: what was looked for, and the nodes as the graph pane has them."""
    out: list[str] = []
    prepare("goto 5; find mul").run(debugger, Style(is_json=True), out.append)
    assert json.loads("".join(out)) == {
        "find": "mul",
        "position": 5,
        "nodes_in_all": 1,
        "nodes": [
            {
                "node": 2,
                "name": "MulBackward0",
                "label": "b",
                "state": "created",
                "shape": [4],
                "expression": "b.grad_fn",
            }
        ],
    }


def test_script_walks_shows_and_expects(debugger: Debugger) -> None:
    """Commands are carried out in turn; `show` prints the pane of that moment."""
    text = "until node Pow; until node Pow; show chain; step; back; expect local == [14, 18, 22, 26]; finish"
    assert "[14 18 22 26]" in run(debugger, text)
    assert debugger.position == 19


def test_what_a_command_says_is_printed(debugger: Debugger) -> None:
    """A sentence of a command is part of the output."""
    said = run(debugger, "break line 11; breakpoints")
    assert said == "breakpoint 1: chain_rule.py:11\n1 ◉ chain_rule.py:11  0 hits\n"


def test_print_says_what_an_expression_comes_to(debugger: Debugger) -> None:
    """At the position of that moment; what has no value there is told and is no mistake."""
    out = run(debugger, "goto 10; print a; print local; print norm(upstream) / 2; print loss; print grad_norm")
    assert out.splitlines() == [
        "a = [1 2 3 4]  [4] float32",
        "    as of event 1, chain_rule.py:8",
        "local = [14 18 22 26]  [4] float64",
        "norm(upstream) / 2 = 1",
        "loss = 420",
        "there is no grad_norm yet: no optimizer has made a step",
    ]


def test_print_is_json_where_panes_are(debugger: Debugger) -> None:
    """One object, with the value or with the reason why there is none."""
    out: list[str] = []
    prepare("goto 10; print out; print grad_norm").run(debugger, Style(is_json=True), out.append)
    assert [json.loads(text) for text in out] == [
        {
            "print": "out",
            "position": 10,
            "value": {"shape": [], "dtype": "float32", "values": [420]},
            "why": None,
            "sources": [{"variable": "out", "event": 5, "file": "chain_rule.py", "line": 12, "function": ""}],
            "note": None,
        },
        {
            "print": "grad_norm",
            "position": 10,
            "value": None,
            "why": "there is no grad_norm yet: no optimizer has made a step",
            "sources": [],
            "note": None,
        },
    ]


def test_failed_expectation_names_file_and_line(debugger: Debugger) -> None:
    """A failure in a file says where in the file, and ends the script."""
    with pytest.raises(ExpectationFailed, match=r"^walk\.gradb:3: expect a == 1 does not hold at position 2"):
        run(debugger, "step\n\nstep; expect a == 1; finish", "walk.gradb")
    assert debugger.position == 2


def test_a_search_that_misses_ends_the_script(debugger: Debugger) -> None:
    """A script does not go on as if it had arrived where it has not: that is told with its line."""
    with pytest.raises(UserError, match=r"^walk\.gradb:2: there is no later nonfinite$") as caught:
        run(debugger, "until node Pow\nuntil nonfinite\nstart", "walk.gradb")
    assert not isinstance(caught.value, ExpectationFailed)
    assert debugger.position == 4


@pytest.mark.parametrize(
    "text", ["step; fly", "step; quit", "step; help", "step; expect a =", "step; expect", "display a ="]
)
def test_mistakes_are_found_before_anything_runs(text: str) -> None:
    """A script with a mistake in it is not begun."""
    with pytest.raises(UserError):
        prepare(text)


@pytest.mark.parametrize(
    "text",
    [
        "goto 99",
        "show",
        "show weather",
        "goto x",
        "expect nobody == 1",
        "print",
        "print a =",
        "print nobody",
        "print a + 1",
    ],
)
def test_mistakes_while_running(text: str, debugger: Debugger) -> None:
    """A command that cannot be carried out ends the script, and is not a failed expectation."""
    with pytest.raises(UserError, match=r"^f:1: ") as caught:
        run(debugger, text, "f")
    assert not isinstance(caught.value, ExpectationFailed)


@pytest.mark.parametrize("name", PANES)
def test_every_pane_prints_at_every_position(name: str, debugger: Debugger) -> None:
    """Each pane has text and JSON, no wider than asked for, and without a single escape sequence."""
    for position in (0, 1, 10, 16, 19):
        debugger.go(position)
        text, data = (pane_text(name, debugger.frame(), Style(width=60, is_json=one)) for one in (False, True))
        assert (text[-1], data[-1]) == ("\n", "\n")
        assert "\x1b" not in text + data
        assert json.loads(data)["position"] == position
        assert max(map(len, text.splitlines())) <= 60


def test_events_are_json_lines(path: Path) -> None:
    """One object a line, in order."""
    with Tape.open(path) as tape:
        events = [json.loads(text) for text in event_lines(tape)]
    assert [event["seq"] for event in events] == list(range(1, 20))
    assert events[15]["after"]["values"] == [28.0, 36.0, 44.0, 52.0]


def test_json_is_safe_on_a_terminal() -> None:
    """Nothing active or invisible is printed as such, and all of it is read back."""
    value = {"name": "\x1b[2J\x07\x7f\x9b5n\u202e\u200b\ufeff\ud800 é ∂ \n"}
    text = line(value)
    assert json.loads(text) == value
    assert text.isprintable()
    assert "é ∂" in text


def test_progress_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line says how far the run has got, not more often than a few times a second."""
    now = [0.0]
    monkeypatch.setattr("gradb.batch.record.time.monotonic", lambda: now[0])
    written: list[str] = []
    progress, state = ProgressLine(written.append), Run("x.tape")
    state.head = 1234
    state.pace.take(0.0, 7, 29.75)
    for _ in range(20):
        now[0] += 0.1
        progress.update(state)
    progress.clear()
    assert 3 <= len(written) <= 6
    assert "1,234 events, iteration 7, loss 29.75" in written[0]
    assert written[-1] == "\r\x1b[K"
    ProgressLine(None).update(state)


def test_displays_are_shown_at_every_stop(debugger: Debugger) -> None:
    """`show displays` has the values of the position, and those before where they were others."""
    out = run(debugger, "display a.grad; display loss; goto 16; show displays; undisplay 2; step; show displays")
    assert out.splitlines()[2:6] == [
        "* 1 a.grad = [28 36 44 52]  [4] float32",
        "    before None",
        "  2 loss = 420",
        "not displayed any more: loss",
    ]
    assert out.splitlines()[6:] == ["  1 a.grad = [28 36 44 52]  [4] float32  as of event 16, chain_rule.py:13"]


def test_each_line_is_json_where_that_is_asked_for(debugger: Debugger) -> None:
    """What a pane shows, what an expression comes to and what a command says: one object a line."""
    out: list[str] = []
    script = prepare("display a.grad; goto 16; show displays; print a[0]; break line 11")
    script.run(debugger, Style(is_json=True), out.append)
    said, shown, printed, broken = map(json.loads, "".join(out).splitlines())
    assert (said["said"].partition(" (")[0], broken["said"]) == ("display 1: a.grad", "breakpoint 1: chain_rule.py:11")
    (row,) = shown["displays"]
    assert (shown["pane"], shown["position"], row["expression"], row["changed"]) == ("displays", 16, "a.grad", True)
    assert (row["value"]["values"], row["before"]) == ([28, 36, 44, 52], {"value": None, "why": None})
    assert printed["value"]["values"] == [1]


def test_ctrl_c_in_the_midst_of_a_search(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was broken off is said with the event that it had come to, and the position is where it was."""
    go_on = Search.go_on

    def interrupted(search: Search, seconds: float) -> bool:
        assert not any(go_on(search, 0.0) for _ in range(4))
        raise KeyboardInterrupt

    debugger.go(3)
    monkeypatch.setattr(Search, "go_on", interrupted)
    with pytest.raises(BrokenOff, match=r"^walk\.gradb:1: `until norm\(upstream\) > 1e9` was broken off at event \d+"):
        run(debugger, "until norm(upstream) > 1e9", "walk.gradb")
    assert debugger.position == 3
    assert debugger.progress is None
