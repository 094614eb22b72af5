"""What has to be agreed to before a script is run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradb.debugger.errors import UserError
from gradb.debugger.rerun.consent import Consent, agree, consent_to
from gradb.link.spec import RunSpec
from gradb.tape.written import Write, Writes

_SPEC = RunSpec("train.py", "", arguments=("--name", "a b"), cwd="/work dir")


def _consent(*writes: Write, more: int = 0, is_from_tape: bool = False) -> Consent:
    return consent_to(_SPEC, Writes(writes, more), is_from_tape=is_from_tape)


def test_a_run_that_wrote_nothing_needs_none() -> None:
    """Where nothing was written and the user has started it just now, nobody is asked."""
    consent = _consent()
    assert not consent.is_needed
    agree(consent, is_agreed=False, ask=None)
    agree(consent, is_agreed=False, ask=lambda lines: False)


def test_what_was_for_the_time_of_the_run_only_does_not_count(tmp_path: Path) -> None:
    """A file that was not there before and is not there now is made and removed again; one of before is told."""
    (tmp_path / "model.pt").touch()
    writes = [
        Write(str(tmp_path / "scratch"), "opened", was_there=False),
        Write(str(tmp_path / "model.pt"), "opened", was_there=False),
        Write(str(tmp_path / "old"), "opened", was_there=True),
        Write(str(tmp_path / "old"), "removed", was_there=True),
    ]
    consent = _consent(*writes)
    assert consent.is_needed
    assert consent.files == (
        (str(tmp_path / "model.pt"), "opened for writing"),
        (str(tmp_path / "old"), "opened for writing, removed"),
    )


def test_more_than_the_tape_holds_is_asked_for() -> None:
    """That there are more is enough to ask, though none of them is known to be there still."""
    assert _consent(more=3).is_needed
    assert "and 3 more" in _consent(Write("/", "folder", was_there=True), more=3).refusal()


def test_a_tape_always_needs_it() -> None:
    """What a tape says is run only after it was shown: the command, the folder, and what is not as it was."""
    consent = replace(_consent(is_from_tape=True), remarks=("it was recorded with torch 1.0, and here is 2.0",))
    assert consent.is_needed
    text = "\n".join(consent.lines())
    for part in ("python train.py --name 'a b'", "/work dir", "but it was recorded with torch 1.0", "environment"):
        assert part in text
    assert consent.refusal() == (
        "to look closer python train.py --name 'a b' has to be run again, in /work dir: give --yes to let it"
    )


def test_nobody_to_ask_is_a_refusal() -> None:
    """Without a terminal and without --yes there is one sentence that names files; with it there is none."""
    consent = _consent(*(Write(f"/{name}", "removed", was_there=True) for name in "abcde"))
    with pytest.raises(UserError, match=r"its first run wrote files \(a, b, c and 2 more\): give --yes to let it$"):
        agree(consent, is_agreed=False, ask=None)
    agree(consent, is_agreed=True, ask=None)


def test_a_no_is_a_no() -> None:
    """The lines are shown, and who says no is obeyed."""
    consent = _consent(Write("/a", "removed", was_there=True))
    asked: list[list[str]] = []

    def refuse(lines: list[str]) -> bool:
        asked.append(lines)
        return False

    with pytest.raises(UserError, match="not run again"):
        agree(consent, is_agreed=False, ask=refuse)
    assert asked == [consent.lines()]


def test_lines_are_safe_and_short() -> None:
    """Paths come from a stranger's tape: nothing in them is active, and no more than twenty are listed."""
    writes = [Write(f"/{number}\x1b[2J", "removed", was_there=True) for number in range(50)]
    lines = _consent(*writes).lines()
    assert "\x1b" not in "".join(lines)
    assert sum("removed" in line for line in lines) == 20
    assert "  and 30 more" in lines
