"""When the scribe commits, and what it says of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.link.channel import Channel
from gradb.link.messages import Commit, Finish, Written
from gradb.log import reader as reading
from gradb.log.writer import LogWriter
from gradb.scribe import process
from gradb.scribe.process import Scribe
from gradb.scribe.tapes import lay_out
from gradb.scribe.transcript import Transcript

PLACE = (1, 2, 2, 0, 5)
EVENTS = 20


def test_what_is_waited_for_may_be_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that the clock makes between two of them is not taken for one after which nothing is left."""
    monkeypatch.setattr(process, "_EVERY", 0.0)
    monkeypatch.setattr(reading, "_CHUNK", 256)
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    for _ in range(EVENTS):
        writer.event("note", "gradb", PLACE, '["one"]', None)
    writer.close()
    ours, theirs = Channel.pair()
    ours.send(Commit(EVENTS))
    ours.send(Finish())
    with Transcript(path) as transcript:
        Scribe(transcript, theirs).run()
    said = []
    while (message := ours.receive(0.0)) is not None:
        said.append(message)
    ours.close()
    theirs.close()
    assert {type(message) for message in said} == {Written}
    assert said[-1] == Written(EVENTS)
