"""``gradb events``: a recording as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from gradb.batch.lines import line
from gradb.cli.arguments import Parser
from gradb.cli.complaint import complain
from gradb.cli.target import check_recording
from gradb.debugger.ending import closing_lines, flaw
from gradb.frame.reader import Tape
from gradb.present.json.events import event_json
from gradb.present.json.explanations import explanation_json


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = Parser("events", "gradb events FILE", "Print a recording as JSON lines, one event each: docs/json.md.")
    parser.add_argument("file", metavar="FILE", help="the tape")
    options = parser.parse_args(argv)
    check_recording(options.file)
    with Tape.open(options.file, is_over=True) as tape:
        for text in event_lines(tape):
            sys.stdout.write(text + "\n")
        for sentence in [*closing_lines(tape.run), *filter(None, [flaw(options.file)])]:
            complain(sentence)
    return 0


def event_lines(tape: Tape) -> Iterator[str]:
    """Yield one line of JSON per event, in order.

    Raises:
        TapeError: the tape is damaged there.
    """
    for event in tape.events():
        yield line(event_json(tape, event) | explanation_json(tape, event))
