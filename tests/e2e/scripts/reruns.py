"""Runs a script watched and then again, as a front end would, and prints what came of it as JSON."""

import json
import os
import signal
import sys
from collections import Counter

from gradb.debugger.errors import UserError
from gradb.debugger.rerun.again import around
from gradb.debugger.rerun.following import silent
from gradb.debugger.rerun.watched import of_tape, watched
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.spec import RunSpec


def interrupt(run: Run) -> None:
    """Do what a user's Ctrl+C does, once, as soon as the training has begun."""
    if run.pace.news.iteration > 1 and asked.pop("interrupts", 0):
        os.kill(os.getpid(), signal.SIGINT)


asked = json.loads(sys.argv[1])
found = {}
try:
    if "tape" in asked:
        first = of_tape(asked["tape"])
    else:
        spec = RunSpec(asked.get("script"), "", module=asked.get("module"), arguments=tuple(asked.get("words", ())))
        first = watched(spec, seconds=asked.get("seconds"), tell=interrupt if asked.get("interrupts") == 1 else silent)
    found |= {
        "interrupted": first.interrupted,
        "status": first.status,
        "code": first.return_code,
        "iteration": first.iteration,
    }
    found |= {"lines": first.consent.lines(), "needed": first.consent.is_needed}
    if first.interrupted:
        raise UserError("interrupted")
    iteration = first.iteration or asked.get("iteration", 3)
    with first, around(first, iteration, is_agreed=asked.get("agreed", True), tell=interrupt) as again:
        found |= {"repeated": again.has_repeated, "ended": again.status, "reached": again.reached}
        found |= {"count": again.comparison.count, "sentences": again.sentences, "closing": again.closing}
        with Tape.open(again.tape) as tape, Tape.open(first.tape) as tape_before:
            events = list(tape.events())
            found["ops"] = sorted(Counter(event.iteration for event in events if event.kind == "op"))
            found["printed"] = [tape.detail(event.seq).text for event in events if event.kind == "output"]
            found["printed before"] = [
                tape_before.detail(event.seq).text for event in tape_before.events() if event.kind == "output"
            ]
except UserError as error:
    found["error"] = str(error)
except KeyboardInterrupt:
    found["error"] = "KeyboardInterrupt"
print(json.dumps(found))
