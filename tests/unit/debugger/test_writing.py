"""What is passed on of a script's pauses while its tape is written by another process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from gradb.debugger import writing
from gradb.debugger.writing import Writing
from gradb.link.channel import Channel
from gradb.link.messages import Paused, RecordingStopped, Written
from gradb.log.writer import LogWriter
from gradb.scribe.tapes import lay_out


def test_a_pause_past_the_end_of_the_tape_is_one_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tape cannot be written any more, nobody is sent to an event that is not on it."""
    ours, theirs = Channel.pair()
    process = SimpleNamespace(kill=lambda: None)
    scribe = SimpleNamespace(channel=ours, process=process, close=lambda timeout=0.0: ours.close())
    monkeypatch.setattr(writing, "ScribeProcess", lambda tape, file: scribe)
    path = tmp_path / "run.tape"
    file = lay_out(path, is_indexed=True)
    LogWriter(path).close()
    held = Writing(str(path), file)
    theirs.send(Written(125))
    assert held.hear() == [Written(125)]
    assert held.pass_on([Paused(140, 1)]) == []
    theirs.send(RecordingStopped(125, "its file was removed"))
    assert held.hear() == [RecordingStopped(125, "its file was removed"), Paused(125, 1)]
    held.close()
    theirs.close()
