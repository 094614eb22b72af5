"""Asking on the terminal whether a script may be run again."""

from __future__ import annotations

import io
import sys

import pytest

from gradb.cli.consent import let
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.consent import Consent

_NEEDED = Consent("python t.py", "/data", "", (("/data/model.pt", "opened for writing"),), 0, is_from_tape=False)
_OF_TAPE = Consent("python t.py", "/data", "", (), 0, is_from_tape=True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _answers(monkeypatch: pytest.MonkeyPatch, text: str) -> io.StringIO:
    """Make standard input and stderr a terminal where ``text`` is typed; return what is printed there."""
    shown = _Terminal()
    monkeypatch.setattr(sys, "stdin", _Terminal(text))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


@pytest.mark.parametrize("text", ["y\n", "yes\n", " Y \n"])
def test_a_yes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What would be done is shown before the question, and a yes lets it happen."""
    shown = _answers(monkeypatch, text)
    let(_NEEDED, has_yes=False)
    assert shown.getvalue().endswith("Run it again? [y/N] ")
    assert "/data/model.pt (opened for writing)" in shown.getvalue()


@pytest.mark.parametrize("text", ["\n", "", "n\n", "what?\n"])
def test_anything_else_is_a_no(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Nothing typed, or anything but a yes, lets nothing happen."""
    _answers(monkeypatch, text)
    with pytest.raises(UserError, match="not run again"):
        let(_NEEDED, has_yes=False)


def test_without_a_terminal_it_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can answer, nothing is asked: only --yes lets it happen."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UserError, match="give --yes"):
        let(_NEEDED, has_yes=False)
    let(_NEEDED, has_yes=True)
    assert capsys.readouterr().err == ""


def test_what_a_tape_has_run_is_always_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Even with --yes the command and the folder are told before anything is started."""
    let(_OF_TAPE, has_yes=True)
    assert capsys.readouterr().err.startswith("To look closer the script has to be run again: python t.py\nin /data\n")
