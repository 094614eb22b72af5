"""A whole tape as JSON lines, one event each, under the JSON contract. What an event looks like is ``jsonview``'s."""

from __future__ import annotations

from collections.abc import Iterator

from gradb.batch.lines import line
from gradb.frame.reader import Tape
from gradb.present.json.events import event_json


def event_lines(tape: Tape) -> Iterator[str]:
    """Yield one line of JSON per event, in order.

    Raises:
        TapeError: the tape is damaged there.
    """
    for event in tape.events():
        yield line(event_json(tape, event))
