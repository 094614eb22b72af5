"""Scripts of all manners run under ``gradb record`` as they run bare, and leave a tape that opens."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.output import OutputDetail
from tests.e2e.gradb_process import DEADLINE, GRADB, SCRIPTS, WarmProcess, bare, gradb

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One script and what must come of it."""

    script: str
    """File name in ``scripts``, or ``-m package``."""
    code: int = 0
    """Exit code of ``gradb record``; negative: the signal that ended it."""
    kinds: str = "leaf op node accumulate end"
    """Kinds of events that the tape must hold."""
    end: str = "finished"
    """What the reason on the end event contains."""
    arguments: tuple[str, ...] = ()
    same_errors: bool = True
    """Standard error is that of the bare run too, to the letter."""
    finalizes: bool = False
    """It is run to the very end of its interpreter: half a second each, for those in which something outlives it."""
    check: Callable[[Tape], None] = lambda tape: None
    """What else must hold of the tape."""

    @property
    def words(self) -> tuple[str, ...]:
        """The command line after ``python`` or ``gradb record``."""
        return (*self.script.split(), *self.arguments)


def notes(tape: Tape) -> list[str]:
    """Return what gradb says about the recording itself."""
    details = (tape.detail(event.seq) for event in tape.events() if event.kind == "note")
    return [detail.text for detail in details if isinstance(detail, NoteDetail)]


def _errors(tape: Tape) -> list[tuple[Event, ErrorDetail]]:
    found = []
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, ErrorDetail):
            found.append((event, detail))
    return found


def _shape_error(tape: Tape) -> None:
    errors = _errors(tape)
    for event, error in errors:
        assert (error.type, event.line) == ("RuntimeError", 5)
        assert "size mismatch" in error.message
        assert "gradb" not in error.traceback
    assert errors[-1][1].is_uncaught


def _hook_error(tape: Tape) -> None:
    errors = _errors(tape)
    assert errors[-1][1].is_uncaught
    assert all((error.type, error.message) == ("ValueError", "the hook says no") for _, error in errors)
    assert "a" not in [event.name for event in tape.events() if event.kind == "accumulate"]


def _little(tape: Tape) -> None:
    size = Path(tape.path).stat().st_size
    assert size < 9 * MEGABYTE, f"9.2 MiB of output made a tape of {size / MEGABYTE:.1f} MiB"
    assert any("output" in text for text in notes(tape))


def _threads(tape: Tape) -> None:
    assert len({event.thread for event in tape.events() if event.kind == "node"}) >= 2


def _no_torch(tape: Tape) -> None:
    outputs = [tape.detail(event.seq) for event in tape.events() if event.kind == "output"]
    streams = {output.stream for output in outputs if isinstance(output, OutputDetail)}
    assert streams == {"stdout", "stderr"}


def _grad_of(name: str, *numbers: float) -> Callable[[Tape], None]:
    def check(tape: Tape) -> None:
        grad = tape.grad(name, tape.head)
        assert grad is not None
        assert grad.numbers() == list(numbers)

    return check


FORWARD = "leaf op end"
TABLE = (
    Row("raises_forward.py", 1, "leaf op error end", end="RuntimeError", check=_shape_error),
    Row(
        "raises_in_hook.py",
        1,
        "leaf op node error backward_end end",
        end="ValueError",
        finalizes=True,
        check=_hook_error,
    ),
    Row("exits.py", 3, FORWARD, end="3"),
    Row("exits_with_text.py", 1, end="sys.exit"),
    Row("exits_hard.py", 3, FORWARD, end="3"),
    Row("kills_itself.py", -signal.SIGKILL, "leaf op output end", end="SIGKILL", same_errors=False),
    Row("crashes.py", -signal.SIGSEGV, "end", end="SIGSEGV", same_errors=False),
    Row("prints_much.py", check=_little),
    Row("closes_stdout.py", finalizes=True, check=_grad_of("a", 2, 2)),
    Row("forks_workers.py", check=_grad_of("w", 140)),
    Row("starts_threads.py", finalizes=True, check=_threads),
    Row("reads_input.py", 1, "leaf error end", end="EOFError"),
    Row("changes_directory.py", arguments=("/",), check=_grad_of("a", 2, 2)),
    Row("patches_torch.py", check=_grad_of("a", 0, 2)),
    Row("parses_arguments.py", arguments=("-o", "x", "-m", "3", "--at", "7", "--", "-e"), check=_grad_of("a", 3, 3)),
    Row("-m package", arguments=("-m", "q"), check=_grad_of("a", 4, 4)),
    Row("has_main_guard.py", arguments=("one",)),
    Row("spawns.py", check=_grad_of("a", 3, 3)),
    Row("needs_no_torch.py", kinds="output end", check=_no_torch),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.script)
def test_script_runs_as_it_does_bare(row: Row, tmp_path: Path) -> None:
    """Exit code and output are those of the bare run, and the tape holds what happened up to the end."""
    path = tmp_path / "run.tape"
    done = gradb("record", "--no-explain", "-o", path, *row.words, finalizes=row.finalizes)
    plain = bare(*row.words, finalizes=row.finalizes)
    assert done.code == row.code, done.err
    assert plain.code == row.code
    assert done.out == plain.out
    if row.same_errors:
        assert done.err == plain.err
    tape = Tape.open(path)
    assert {event.kind for event in tape.events()} >= set(row.kinds.split())
    assert [text for text in notes(tape) if "error of its own" in text] == []
    end = tape.detail(tape.head)
    assert isinstance(end, EndDetail)
    assert row.end in end.reason
    row.check(tape)
    tape.close()
    assert [file.name for file in tmp_path.iterdir()] == ["run.tape"]


def test_input_comes_from_a_file(tmp_path: Path) -> None:
    """``--stdin FILE`` is what ``input()`` reads."""
    (tmp_path / "factor").write_text("5\n")
    path = tmp_path / "run.tape"
    done = gradb("record", "--stdin", tmp_path / "factor", "-o", path, "reads_input.py")
    assert (done.code, done.out) == (0, "factor? tensor([5., 5.])\n")
    _grad_of("a", 5, 5)(Tape.open(path))


def test_input_of_gradb_is_not_the_scripts(tmp_path: Path) -> None:
    """Standard input of gradb itself never reaches the script."""
    words, pipe = [*GRADB, "record", "-o", str(tmp_path / "run.tape"), "reads_input.py"], subprocess.PIPE
    with WarmProcess(words, cwd=SCRIPTS, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert "EOFError" in process.communicate("5\n", DEADLINE)[1]
    assert process.returncode == 1


def test_relative_tape_stays_where_it_was_asked_for(tmp_path: Path) -> None:
    """A script that changes directory does not move the tape."""
    script = SCRIPTS / "changes_directory.py"
    assert gradb("record", "-o", "here.tape", script, "/", cwd=tmp_path).code == 0
    assert (tmp_path / "here.tape").exists()
