"""Watches a script with many checkpoints, and has runs go on from them one after the other, until it is killed.

Its words: the folder with ``script.py``, and a number for what is chosen at random.
"""

import random
import signal
import sys
from pathlib import Path

from gradb.link.spec import Intervention, RunSpec
from tests.e2e.checkpointed import begun, full, script

_LONGEST = 200
_MOST = 4
_CHANGES = ((), (), (Intervention("lr", "0.003"),), (Intervention("zero_grad", "off"),))


def main(folder: Path, chance: random.Random) -> None:
    """Go on until the end."""
    spec = RunSpec("script.py", str(folder / "x.tape"), arguments=(str(folder / "count"),), cwd=str(folder), seed=5)
    with script(spec) as one:
        one.go_on()
        runner, number = None, 0
        while True:
            if one.run.is_live:
                one.make_one()
            for _ in range(chance.randrange(1, 15)):
                turns = iter((False, True))
                one.until(lambda turns=turns: next(turns))
                if runner is not None:
                    runner.pump(0.0)
            alive = [waiting for waiting in one.waiting if not waiting.is_gone]
            while len(alive) > _MOST:
                alive.pop(chance.randrange(len(alive))).close()
            one.waiting[:] = alive
            if runner is not None and not runner.is_live:
                runner.close()
                runner = None
            if runner is None and alive:
                number += 1
                waiting = chance.choice(alive)
                first = waiting.iteration + 2
                changes = (*chance.choice(_CHANGES), *full(first))
                try:
                    tape = folder / f"r{number}.tape"
                    runner = begun(waiting, one.spec, tape, interventions=changes, ends_after=first + 400)
                except OSError:
                    continue


if __name__ == "__main__":
    signal.alarm(_LONGEST)
    main(Path(sys.argv[1]), random.Random(int(sys.argv[2])))
