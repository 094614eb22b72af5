"""The command line: what is whose, and how each mistake ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest

from gradb.cli import pick, printing, run
from gradb.cli.arguments import Parser, add_run_options
from gradb.cli.course import Lessons
from gradb.cli.main import main
from gradb.cli.plain import has_terminal
from gradb.cli.recent import recents
from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from tests.fakes import TapeBuilder

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def tape(tmp_path: Path) -> str:
    """Give the tape of the first scenario."""
    TapeBuilder.chain_rule_example(tmp_path / "a.tape")
    return str(tmp_path / "a.tape")


def parser() -> Parser:
    made = Parser("record", "usage", "description")
    made.add_argument("-o", dest="output")
    made.add_argument("--json", action="store_true")
    add_run_options(made)
    return made


SPLITS = (
    ("train.py -o x", "", "train.py -o x"),
    ("-o t train.py -o x --json", "-o t", "train.py -o x --json"),
    ("-ot --json train.py", "-ot --json", "train.py"),
    ("--stdin=f --limit 3 train.py -m q", "--stdin=f --limit 3", "train.py -m q"),
    ("-m pkg.train -o x", "-m pkg.train", "| -o x"),
    ("-o t -mpkg --json", "-o t -mpkg", "| --json"),
    ("-o t -- -odd.py -o x", "-o t", "-odd.py -o x"),
    ("-o t - x", "-o t", "- x"),
    ("-o", "-o", ""),
    ("", "", ""),
)


@pytest.mark.parametrize(("words", "own", "rest"), SPLITS)
def test_options_end_at_the_script(words: str, own: str, rest: str) -> None:
    """What comes before the script is gradb's; what follows it is the script's, whatever it looks like."""
    expected = ["" if word == "|" else word for word in rest.split()]
    assert parser().split(words.split()) == (own.split(), expected)


@pytest.mark.parametrize(
    "words", ["--version", "--help", "-h", "run --help", "record -h", "show --help", "events -h", "compare --help"]
)
def test_help_and_version(words: str, capsys: Captured) -> None:
    """Help and version go to stdout and end with 0."""
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert not caught.value.code
    out, err = capsys.readouterr()
    assert ("gradb" in out, err) == (True, "")
    assert max(map(len, out.splitlines())) <= 120


MISTAKES = (
    ("no/such.py", "no such file: no/such.py"),
    ("run no/such.py", "no such file: no/such.py"),
    ("chain_rul", "no such file, scenario or command: chain_rul (did you mean chain_rule?)"),
    ("run chain_rul", "no such file or scenario: chain_rul (did you mean chain_rule?)"),
    ("record -o x.tape {tape}", "is a recording, not a script"),
    ("show --pane chain no/such.py", "no such file: no/such.py"),
    ("events no/such.tape", "no such file: no/such.tape"),
    ("open no/such.tape", "no such file: no/such.tape"),
    ("run -e step no/such.py", "no such file: no/such.py"),
    ("run -e fly {tape}", "there is no command 'fly'"),
    ("run -o x.tape -e step {tape}", "-o goes with a script"),
    ("run --seed 1 -e step {tape}", "--seed goes with a script: a tape says itself how its script was run"),
    ("why --seed 1 --lr 1e-4 {tape}", "--seed and --lr go with a script: a tape says itself"),
    ("why {tape} --record watch", "--record goes with a script"),
    ("check --stdin x {tape}", "--stdin goes with a script"),
    ("show --pane chain --probe never {tape}", "--probe goes with a script"),
    ("run -e step --commands x {tape}", "not both"),
    ("run --commands no/such.gradb {tape}", "no such file: no/such.gradb"),
    ("run --commands . {tape}", "is a directory"),
    ("run -e step {tape} more", "takes no arguments"),
    ("run --width 3 -e step {tape}", "--width takes a number"),
    ("run --json {tape}", "--json goes with -e, --commands or --quiz"),
    ("run --limit x {tape}", "'x' is not a whole number"),
    ("run --theme pink {tape}", "pink"),
    ("run -m", "-m"),
    ("run", "give a script"),
    ("--json {tape}", "--json"),
    ("events", "FILE"),
    ("events {tape} more", "more"),
    ("record {tape}", "-o FILE"),
    ("show {tape}", "--pane"),
    ("show --pane weather {tape}", "weather"),
    ("show --pane chain --at x {tape}", "--at takes the number of an event, not 'x'"),
    ("show --pane chain --at 20 {tape}", "no position 20"),
    ("show --pane chain --at -1 {tape}", "no position -1"),
    ("show --pane chain --width 0 {tape}", "--width takes a number"),
    ("show --pane chain", "give a script"),
    ("compare {tape}", "required: FILE"),
    ("compare {tape} no/such.tape", "no such file: no/such.tape"),
    ("compare {tape} .", "is a directory"),
    ("compare --json --screen {tape} {tape}", "not both"),
    ("compare --width x {tape} {tape}", "--width takes a number"),
    ("compare --screen {tape} {tape}", "terminal"),
    ("--plain -e step {tape}", "not both"),
    ("--plain", "give a script"),
    ("open --plain", "required: FILE"),
    ("", "terminal"),
    ("--theme light", "terminal"),
)


@pytest.mark.parametrize(("words", "sentence"), MISTAKES)
def test_mistake_is_one_sentence(
    words: str, sentence: str, tape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Each mistake ends with exit code 2 and one sentence on stderr, and nothing on stdout."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(words.format(tape=tape).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gradb: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_sentence_is_harmless(tmp_path: Path, capsys: Captured) -> None:
    """A name with escape sequences in it is shown as text."""
    assert main(["events", str(tmp_path / "\x1b[2J\u202e.tape")]) == 2
    assert "\x1b" not in (err := capsys.readouterr().err)
    assert "\u202e" not in err


def test_show_and_events_print(tape: str, capsys: Captured) -> None:
    """A pane and the events of a tape are printed; options may stand behind a tape, for it takes no arguments."""
    assert main(["show", "--at", "10", "--pane", "chain", tape]) == 0
    before = capsys.readouterr().out
    assert "[14 18 22 26]" in before
    assert main(["show", tape, "--at", "10", "--pane", "chain"]) == 0
    assert capsys.readouterr().out == before
    assert main(["show", "--pane", "grads", "--json", tape]) == 0
    assert json.loads(capsys.readouterr().out)["position"] == 19
    assert main(["events", tape]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 19


def test_command_script_on_a_tape(tape: str, tmp_path: Path, capsys: Captured) -> None:
    """Commands from the line or a file are carried out; a false expectation is exit code 1, what does not exist 2."""
    (tmp_path / "walk.gradb").write_text("finish\nexpect a.grad == [28, 36, 44, 52]\nshow grads\n")
    assert main(["run", "--commands", str(tmp_path / "walk.gradb"), tape]) == 0
    assert "[28 36 44 52]" in capsys.readouterr().out
    assert main(["run", "-e", "step; expect a == [1]", tape]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gradb: expect a == [1] does not hold at position 1")
    assert main(["run", "-e", "until node Conv", tape]) == 2
    assert capsys.readouterr().err == "gradb: there is no node Conv in this recording\n"


@pytest.mark.parametrize("command", [["why"], ["run", "-e", "step"]])
def test_damage_where_nobody_looked_is_told(command: list[str], tape: str, capsys: Captured) -> None:
    """What is told is true, and yet the file is not whole: a sentence says so, and the exit code stays."""
    path = Path(tape)
    code = main([*command, tape])
    whole = capsys.readouterr()
    with contextlib.closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'touched'").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"Z" * size
    path.write_bytes(data)
    assert main([*command, tape]) == code
    damaged = capsys.readouterr()
    assert damaged.out == whole.out
    told = f"gradb: {tape} is damaged elsewhere: what is told here was read from where it is whole\n"
    assert damaged.err == whole.err + told


def test_short_form_leaves_everything_to_the_script(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``gradb SCRIPT -e 5`` runs the script with -e 5, on the screen."""
    started: list[RunSpec] = []
    monkeypatch.setattr("gradb.cli.specs.check_torch", lambda: None)
    monkeypatch.setattr(run, "has_terminal", lambda: True)
    monkeypatch.setattr("gradb.cli.starting.new_recent_tape", lambda target: f"/t/{Path(target).stem}.tape")
    monkeypatch.setattr(Debugger, "launch", started.append)
    monkeypatch.setattr(run, "show_screen", lambda start, name, theme: [start(), 0][1])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["--theme", "light", "--probe", "never", "--limit", "9", script, "-e", "5", "--", "-m"]) == 0
    assert main(["-m", "json.tool", "-e", "5"]) == 0
    assert started == [
        RunSpec(script, "/t/train.tape", arguments=("-e", "5", "--", "-m"), probe="never", limit=9),
        RunSpec(None, "/t/json.tape", module="json.tool", arguments=("-e", "5")),
    ]
    assert [(each.path, each.arguments) for each in recents()] == [(script, started[0].arguments)]


@pytest.mark.parametrize("words", ["--plain {tape}", "open --plain {tape}", "{tape}", "open {tape}", "run {tape}"])
def test_plain_tells_a_tape(words: str, tape: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as text if that is asked for, and by itself where there is no terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(words.format(tape=tape).split()) == 0
    out, err = capsys.readouterr()
    assert "    = downstream ∂out/∂c: [14 18 22 26]\n    ✓ agrees with the engine\n" in out
    assert err == ""


@pytest.mark.parametrize(
    ("is_terminal", "term", "has_screen"), [(True, "xterm", True), (True, "dumb", False), (False, "xterm", False)]
)
def test_the_screen_needs_a_terminal(
    is_terminal: bool, term: str, has_screen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that can move its cursor, for reading and for writing."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert has_terminal() is has_screen


def test_reader_that_goes_away(tape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that is closed early ends the printing without a complaint."""
    read, write = os.pipe()
    os.close(read)
    saved = os.dup(1)
    try:
        with os.fdopen(write, "w") as out:
            monkeypatch.setattr(sys, "stdout", out)
            out.reconfigure(line_buffering=True)
            assert main(["events", tape]) == 0
            os.dup2(saved, out.fileno())
            out.write("")
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@pytest.mark.parametrize(
    "words", ["--ascii show --pane chain --at 10 {tape}", "show --pane chain --ascii --at 10 {tape}"]
)
def test_ascii_spells_what_is_printed(words: str, tape: str, capsys: Captured) -> None:
    """Every subcommand takes it, and it may stand first; nothing of it is left for what is printed later."""
    assert main(words.format(tape=tape).split()) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "x local      dd/dc = 2*c  [14 18 22 26]" in out
    assert main(["show", "--pane", "chain", "--at", "10", tape]) == 0
    assert "× local      ∂d/∂c = 2·c  [14 18 22 26]" in capsys.readouterr().out


def test_where_the_encoding_has_no_more_it_is_ascii(tape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being asked; in a UTF it is not."""
    texts = []
    for encoding in ("latin-1", "utf-16"):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
        assert main(["--plain", tape]) == 0
        texts.append(written.getvalue().decode(encoding))
    assert texts[0].isascii()
    assert "v agrees with the engine" in texts[0]
    assert "✓ agrees with the engine" in texts[1]


def test_ascii_is_a_setting(tape: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says holds for what is printed too."""
    monkeypatch.setenv("GRADB_ASCII", "1")
    assert main(["show", "--pane", "chain", "--at", "10", tape]) == 0
    assert capsys.readouterr().out.isascii()


def test_json_in_ascii_says_the_same(tape: str, capsys: Captured) -> None:
    """It is escaped, not spelled."""
    found = []
    for words in (["events"], ["--ascii", "events"]):
        assert main([*words, tape]) == 0
        found.append(capsys.readouterr().out)
    assert found[1].isascii()
    assert [json.loads(line) for line in found[1].splitlines()] == [json.loads(line) for line in found[0].splitlines()]


def test_bare_gradb_is_the_picker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a word there is the picker, with a theme or without."""
    shown: list[tuple[int, str | None]] = []

    def show_picker(offer: pick.Offer, theme: str | None, lessons: Lessons) -> int:
        shown.append((len(offer.entries), theme))
        return 0

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(pick, "show_picker", show_picker)
    assert main([]) == 0
    assert main(["--theme", "contrast"]) == 0
    assert main(["--theme=light"]) == 0
    assert main(["--ascii"]) == 0
    assert [theme for _, theme in shown] == [None, "contrast", "light", None]
    assert shown[0][0] >= 4


def test_width_is_the_terminals_or_100(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --width a pane is as wide as the terminal, and 100 columns in a pipe."""
    assert printing.read_width(None) == 100
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((72, 20)))
    assert printing.read_width(None) == 72
    assert printing.read_width("132") == 132


def test_compare_prints_both_runs(tmp_path: Path, capsys: Captured) -> None:
    """The names are those of the files; where these are the same, the paths as given."""
    one, other = tmp_path / "one.tape", tmp_path / "b" / "one.tape"
    other.parent.mkdir()
    TapeBuilder.training_example(one, 6)
    TapeBuilder.training_example(other, 6, off_at=3)
    assert main(["compare", "--width", "100", str(one), str(other)]) == 0
    text = capsys.readouterr().out
    assert "identical up to iteration 3" in text
    assert max(map(len, text.splitlines())) <= 100
    assert main(["compare", "--json", str(one), str(other)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["label"] for run in found["runs"]] == [str(one), str(other)]
    assert found["parts_at"] == 4


def test_compare_is_one_sentence_for_runs_without_losses(tape: str, tmp_path: Path, capsys: Captured) -> None:
    """Where there is nothing to compare, that is said."""
    with TapeBuilder(tmp_path / "b.tape") as built:
        built.end()
    assert main(["compare", tape, str(tmp_path / "b.tape")]) == 0
    assert "nothing to compare: b.tape recorded no loss" in capsys.readouterr().out


LONG = "x" * 5000
ODD_NAMES = (
    ("record", "-o", "x.tape", LONG),
    ("record", "-o", "x.tape", "x" * 254),
    ("record", "-o", LONG, "script.py"),
    ("record", "-o", "~nobody.of.that.name/x.tape", "script.py"),
    ("record", "-o", "x.tape", "--stdin", LONG, "script.py"),
    ("run", "--commands", LONG, "script.py"),
    ("run", "-e", "expect 1 == " + "9" * 400, LONG),
    ("events", LONG),
    ("open", LONG),
    ("compare", LONG, LONG),
    ("gradcheck", LONG),
    ("relive", "--iteration", "3", LONG),
    (LONG,),
)


@pytest.mark.parametrize("words", ODD_NAMES, ids=lambda words: "-".join(words)[:40])
def test_a_name_that_no_file_can_have_is_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the system does not take is told in a sentence, wherever a file is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text("pass\n")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("gradb: ")
