"""Watches a script up to a checkpoint, has a runner stand there, says their process ids, and waits."""

import sys
from pathlib import Path

from gradb.link.spec import RunSpec
from tests.e2e.checkpointed import begun, script

if __name__ == "__main__":
    name, folder = sys.argv[1:]
    spec = RunSpec(name, f"{folder}/x.tape", arguments=("waits",), seed=5)
    with script(spec) as one:
        one.go_to_iteration(10)
        one.make_one()
        one.go_on()
        one.until(lambda: one.waiting)
        run = begun(one.waiting[0], one.spec, Path(folder, "r.tape"), breakpoints=(), is_paused_at_start=True)
        while run.is_running:
            run.pump(0.05)
        assert one.run._live is not None
        assert run._live is not None
        print(one.run._live.debuggee.pid, one.waiting[0].pid, run._live.debuggee.pid, flush=True)
        sys.stdin.read()
