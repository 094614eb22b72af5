"""Bad input: one clear sentence on standard error, exit code 2, no traceback."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradb.cli.main import main
from gradb.tape.schema import APPLICATION_ID, FORMAT_VERSION
from tests.e2e.gradb_process import SCENARIOS, Done, gradb, without_torch
from tests.fakes.flat import flat

Capture = pytest.CaptureFixture[str]
CHAIN_RULE = str(SCENARIOS / "chain_rule.py")


@dataclass(frozen=True, slots=True)
class Row:
    """One mistake."""

    name: str
    arguments: str
    """Command line; ``{}`` is the file that ``make`` made, ``{script}`` a good script, ``{tape}`` a good tape."""
    says: str
    """What the sentence contains, case ignored."""
    make: Callable[[Path], object] = lambda path: None
    """Makes the file, given its path."""


def _unreadable(path: Path) -> None:
    if os.geteuid() == 0:  # nothing is unreadable to root but what the kernel refuses to read
        path.symlink_to("/proc/self/mem")
    else:
        path.write_text("pass\n")
        path.chmod(0)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
        db.execute("CREATE TABLE run(key, value)")
    db.close()


def _someone_elses(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE photos(id)")
    db.close()


SCRIPTS = (
    Row("script missing", "record -o x.tape {}", "no such file"),
    Row("script missing, headless", "run -e step {}", "no such file"),
    Row("script is a directory", "record -o x.tape {}", "directory", lambda path: path.mkdir()),
    Row("script unreadable", "record -o x.tape {}", "read", _unreadable),
    Row("script not UTF-8", "record -o x.tape {}", "utf-8", lambda path: path.write_bytes(b"x = '\xff'\n")),
    Row("script with a syntax error", "record -o x.tape {}", "line 2", lambda path: path.write_text("x = 1\ny = (\n")),
    Row("script with a null byte", "record -o x.tape {}", "null", lambda path: path.write_bytes(b"x = 1\0\n")),
    Row("module missing", "record -o x.tape -m no_such_module_anywhere", "no_such_module_anywhere"),
    Row("no script", "record -o x.tape", "script"),
    Row("output cannot be written", "record -o {}/no/such/folder/x.tape {script}", "x.tape"),
    Row("output is a directory", "record -o {} {script}", "directory", lambda path: path.mkdir()),
    Row("stdin missing", "record -o x.tape --stdin {} {script}", "no such file"),
)
TAPES = (
    Row("tape missing", "events {}", "no such file"),
    Row("tape is a directory", "events {}", "directory", lambda path: path.mkdir()),
    Row("tape empty", "events {}", "empty", lambda path: path.touch()),
    Row("tape not SQLite", "events {}", "not a gradb tape", lambda path: path.write_text("hello\n" * 400)),
    Row("tape of another program", "events {}", "not a gradb tape", _someone_elses),
    Row("tape of a newer version", "events {}", f"version {FORMAT_VERSION}", _newer),
    Row("tape missing, open", "open {}", "no such file"),
    Row("tape missing, show", "show --at 1 --pane chain {}", "no such file"),
    Row("position beyond the end", "show --at 999 --pane chain {tape}", "999"),
    Row("position below zero", "show --at -1 --pane chain {tape}", "-1"),
    Row("position not a number", "show --at one --pane chain {tape}", "one"),
    Row("no such pane", "show --at 1 --pane weather {tape}", "weather"),
)
COMMANDS = (
    Row("no such command", "run -e fly {script}", "fly"),
    Row("command with a bad argument", "run -e 'goto nowhere' {script}", "nowhere"),
    Row("expectation is no Python", "run -e 'expect a =' {script}", "a ="),
    Row("expectation calls a function", "run -e 'expect open(1)' {script}", "open"),
    Row("expectation about an unknown name", "run -e 'step; expect nobody == 1' {script}", "nobody"),
    Row("command for a screen", "run -e quit; {script}", "", lambda path: None),
    Row("command file missing", "run --commands {} {script}", "no such file"),
    Row("no such option", "record --fast {script}", "--fast"),
)
CHANGES = (
    Row("no such policy", "record -o x.tape --zero-grad sideways {script}", "script, off or on"),
    Row("policy at no iteration", "record -o x.tape --zero-grad off@abc {script}", "'abc'"),
    Row("policy at iteration 0", "record -o x.tape --zero-grad off@0 {script}", "from 1"),
    Row("two policies at once", "run -e step --zero-grad off,on {script}", "twice"),
    Row("learning rate below zero", "record -o x.tape --lr=-0.1 {script}", "'-0.1'"),
    Row("learning rate that is none", "record -o x.tape --lr nan {script}", "'nan'"),
    Row("learning rate in words", "show --pane grads --lr small {script}", "'small'"),
    Row("no such depth", "record -o x.tape --record half {script}", "full or watch"),
    Row("range the wrong way round", "record -o x.tape --record full@110-100 {script}", "ends before it begins"),
    Row("ranges out of order", "record -o x.tape --record full@9-12,3-4 {script}", "'3-4'"),
    Row("seed that is no number", "record -o x.tape --seed soon {script}", "'soon'"),
    Row("seed too large", "record -o x.tape --seed 9223372036854775808 {script}", "9223372036854775807"),
    Row("size that is none", "record -o x.tape --max-tape large {script}", "'large'"),
    Row("comparison with nothing", "compare {tape}", "FILE"),
    Row("comparison with what is no tape", "compare {tape} {script}", "not a gradb tape"),
    Row("ghost without a screen", "run -e ghost {tape}", "screen"),
    Row("policy of a recording", "run -e 'zero-grad off' {tape}", "only a new run can change the past"),
    Row("iteration that is no number", "run -e 'until iteration x' {tape}", "'x'"),
    Row("iteration that a recording has not", "run -e 'iteration @9' {tape}", "the last is"),
    Row("search that finds nothing", "run -e 'until error; show chain' {tape}", "there is no later error"),
    Row("node that is mistyped", "run -e 'until node Pwo; show chain' {tape}", "did you mean PowBackward0?"),
    Row("line beyond the end", "run -e 'break 999' {script}", "and no line 999"),
)


def call(capsys: Capture, *arguments: str | Path) -> Done:
    """Run gradb in this process, where an exception would come through."""
    code = main([str(word) for word in arguments])
    return Done(code, *capsys.readouterr())


def assert_refused(done: Done, says: str) -> None:
    """Assert that gradb said one clear sentence and gave up."""
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    assert says.lower() in done.err.lower()
    lines = done.err.splitlines()
    assert lines[-1].startswith("gradb: ") or lines[0].startswith("gradb: ")
    assert "\x1b" not in done.err


@pytest.mark.parametrize("row", [*SCRIPTS, *TAPES, *COMMANDS, *CHANGES], ids=lambda row: row.name)
def test_refused_in_one_sentence(row: Row, tmp_path: Path, chain_rule_tape: Path) -> None:
    """Each mistake is told in one sentence that names what is wrong."""
    made = tmp_path / "made"
    row.make(made)
    words = [word.format(made, script=CHAIN_RULE, tape=chain_rule_tape) for word in shlex.split(row.arguments)]
    done = gradb(*words, cwd=tmp_path)
    assert_refused(done, row.says)
    assert len(done.err.splitlines()) == 1 or "syntax" in row.name


def test_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    """A script that Python cannot parse is refused with file, line and the line's text."""
    (tmp_path / "bad.py").write_text("import torch\nx = torch.ones(2\nprint(x)\n")
    done = gradb("record", "-o", "x.tape", "bad.py", cwd=tmp_path)
    assert_refused(done, "line 2")
    assert "bad.py" in done.err
    assert "x = torch.ones(2" in done.err


def test_truncated_tape(tmp_path: Path, chain_rule_tape: Path) -> None:
    """A tape cut off anywhere is refused, or read where the cut does no harm; there is never a traceback."""
    whole = chain_rule_tape.read_bytes()
    for size in (1, 50, 100, 4096, len(whole) // 2, len(whole) - 4096):
        (tmp_path / "cut.tape").write_bytes(whole[:size])
        assert_refused(gradb("events", "cut.tape", cwd=tmp_path), "cut.tape")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET name = char(27) || ']0;owned' || char(7) || char(27) || '[2J[bold red]x[/]' || char(8238)",
        "UPDATE source SET text = char(27) || '[31m' || text || char(155) || '5n'",
        "UPDATE name SET name = '[link=file:///etc/passwd]' || char(27) || '[8m'",
        "UPDATE run SET value = char(27) || 'c' || char(10) || 'x' WHERE key IN ('script', 'title', 'status')",
    ],
)
@pytest.mark.parametrize("pane", ["source", "graph", "chain", "grads", "output"])
def test_hostile_text_is_shown_as_text(
    change: str, pane: str, tmp_path: Path, chain_rule_tape: Path, capsys: Capture
) -> None:
    """Escape sequences and markup in a tape's strings never reach the terminal as such."""
    path = tmp_path / "hostile.tape"
    path.write_bytes(chain_rule_tape.read_bytes())
    with flat(path) as db:
        db.execute(change)
    done = call(capsys, "show", "--at", "10", "--pane", pane, path)
    assert (done.code, done.err) == (0, "")
    assert not set(done.out + done.err) & {chr(code) for code in (7, 8, 13, 27, 127, 155, 8238)}
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE event SET detail = '[[1,"a",true,1,0,[[99999999999,9999],"float32",0,null,""]],""]' WHERE seq=1""",
        "UPDATE event SET detail = '" + "[" * 5000 + "' WHERE seq = 3",
        "UPDATE event SET detail = 'null'",
        "UPDATE event SET seq = seq + 9000000000000000000 WHERE seq > 4",
        "UPDATE event SET data = zeroblob(3) WHERE seq = 2",
        "UPDATE event SET line = 'x'",
        "UPDATE node SET edges = '[[1,0],[2,0],[3,0],[99,-5]]'",
        "UPDATE node SET edges = 'x'",
        "DELETE FROM node",
        "DROP TABLE source",
        "DELETE FROM run",
    ],
)
def test_damaged_tape(change: str, tmp_path: Path, chain_rule_tape: Path, capsys: Capture) -> None:
    """A tape with absurd sizes, numbers or structure is refused in a sentence, or shown as far as it goes."""
    path = tmp_path / "damaged.tape"
    path.write_bytes(chain_rule_tape.read_bytes())
    with flat(path) as db:
        db.execute(change)
    for command in (["events"], *(["show", "--at", "3", "--pane", pane] for pane in ("graph", "chain", "grads"))):
        done = call(capsys, *command, path)
        assert done.code in {0, 2}, done.err
        assert "Traceback" not in done.err
        assert done.code == 0 or done.err.startswith("gradb: ")


def test_no_torch(tmp_path: Path) -> None:
    """Where torch is not installed a script cannot be debugged, and gradb says so."""
    env = without_torch(tmp_path)
    assert_refused(gradb("record", "-o", "x.tape", CHAIN_RULE, cwd=tmp_path, env=env), "torch")
