"""How long keys take on long tapes.

    python -m tests.bench.reader [--repeat 50] [--quick] [--tapes FOLDER] [TAPE ...]

Makes long tapes without torch, and presses each key at random positions of each: once without a screen (the movement,
the Frame, and every pane that a screen of 200 x 60 shows, as text) and once in the real app, up to the last cell that
is painted. Prints medians and 95th percentiles by the wall clock and by the processor's, and which keys do not keep to
the bar; then what opening the tape takes up to the first Frame painted, beside that of a small tape, and the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench.reader import drawing, painting
from tests.bench.reader.keys import KEYS, Times
from tests.bench.reader.tapes import LOADS
from tests.fakes import TapeBuilder

BAR = 0.050
"""Seconds that the 95th percentile of a key may take."""
_OPENINGS = 5


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of some lies."""
    ordered = sorted(values)
    return ordered[min(round(share * (len(ordered) - 1)), len(ordered) - 1)]


def cell(times: Sequence[Times]) -> str:
    """Return median and 95th percentile in milliseconds, wall and processor."""
    clocks = ([one.wall for one in times], [one.cpu for one in times])
    return " / ".join(f"{1000 * median(values):.0f}, {1000 * percentile(values, 0.95):.0f}" for values in clocks)


def table(found: dict[str, dict[str, list[Times]]]) -> list[str]:
    """Return the lines of the table: a row a key, a column a way to measure it."""
    ways = list(found)
    rows = [f"| {key.name} | {' | '.join(cell(found[way][key.name]) for way in ways)} |" for key in KEYS]
    missed = [key.name for key in KEYS if any(_is_missed(found[way][key.name]) for way in ways)]
    said = f"above {1000 * BAR:.0f} ms of processor time: {', '.join(missed) or 'none'}"
    return [f"| key | {' | '.join(ways)} |", "|" + "---|" * (len(ways) + 1), *rows, "", said]


def _is_missed(times: Sequence[Times]) -> bool:
    return percentile([one.cpu for one in times], 0.95) > BAR


def resident() -> float:
    """Return the MiB of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


# --- in processes of their own ----------------------------------------------------------------------------------------


def work(part: str, path: str, repeat: int) -> None:
    """Measure one part and print it as JSON."""
    if part == "opening":
        print(json.dumps(asyncio.run(_opening(path))))
        return
    if part == "drawing":
        found = drawing.measure(path, KEYS, repeat)
    else:
        found = asyncio.run(painting.measure(path, KEYS, repeat))
    plain = {name: [(one.wall, one.cpu) for one in times] for name, times in found.items()}
    print(json.dumps({"times": plain, "memory": resident()}))


async def _opening(path: str) -> tuple[float, float, float]:
    """Return when the first Frame was painted, the processor's time up to then, and the memory."""
    async with painting.opened(path):
        return time.time(), time.process_time(), resident()


def _ask(part: str, path: Path, repeat: int) -> str:
    command = [
        sys.executable,
        "-m",
        "tests.bench.reader",
        "--work",
        part,
        "--tapes",
        str(path),
        "--repeat",
        str(repeat),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def opening(path: Path) -> tuple[float, float, float]:
    """Return seconds from the start of the process to the first Frame (wall, processor) and MiB; medians."""
    found = []
    for _ in range(_OPENINGS):
        began = time.time()
        at, cpu, memory = json.loads(_ask("opening", path, 1))
        found.append((at - began, cpu, memory))
    wall, cpu, memory = (median(column) for column in zip(*found, strict=True))
    return wall, cpu, memory


# --- the command ------------------------------------------------------------------------------------------------------


def report(name: str, path: Path, repeat: int, small: tuple[float, float, float]) -> None:
    """Measure one tape and print what was found."""
    size = path.stat().st_size / 2**20
    print(f"\n{LOADS[name].text} ({size:,.0f} MiB); median, 95th percentile in ms: wall / processor\n")
    found: dict[str, dict[str, list[Times]]] = {}
    memory = {}
    for part, title in (("drawing", "Frame and panes"), ("painting", "in the app, painted")):
        answer = json.loads(_ask(part, path, repeat))
        found[title] = {key: [Times(*one) for one in times] for key, times in answer["times"].items()}
        memory[title] = answer["memory"]
    print("\n".join(table(found)))
    wall, cpu, first = opening(path)
    others = f"a small tape's after {small[0]:.2f} s ({small[1]:.2f} s)"
    print(f"first Frame painted after {wall:.2f} s ({cpu:.2f} s of processor), {others}")
    print(f"memory: {first:.0f} MiB then, {memory['in the app, painted']:.0f} MiB after all keys", flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reader", description="How long a key takes.")
    parser.add_argument("loads", nargs="*", metavar="TAPE", help=f"of {', '.join(LOADS)}; all if left out")
    parser.add_argument("--repeat", type=int, default=50, help="presses of each key (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="tapes of a hundredth, and three presses: a first look")
    parser.add_argument("--tapes", metavar="FOLDER", help="where the tapes are kept; those that are there are taken")
    parser.add_argument("--work", choices=("drawing", "painting", "opening"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.loads) - set(LOADS)):
        parser.error(f"no tape {', '.join(unknown)}; there are {', '.join(LOADS)}")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


def main(arguments: list[str]) -> None:
    """Measure and print."""
    options = parse(arguments)
    if options.work:
        work(options.work, options.tapes, options.repeat)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.tapes or temporary)
        small = folder / "small.tape"
        small.unlink(missing_ok=True)
        TapeBuilder.chain_rule_example(small)
        first = opening(small)
        for name in options.loads or LOADS:
            path = folder / f"{name}{'-quick' if options.quick else ''}.tape"
            if not path.exists():
                (LOADS[name].quick if options.quick else LOADS[name].write)(path)
            report(name, path, 3 if options.quick else options.repeat, first)


if __name__ == "__main__":
    main(sys.argv[1:])
