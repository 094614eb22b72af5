"""How long keys take on long tapes.

    python -m tests.bench.reader [--repeat 20] [--quick] [--tapes FOLDER] [--parts PART,PART] [TAPE ...]

Makes long tapes without torch, and has four parts for each: what opening it takes up to the first Frame painted,
beside that of a small tape, and the memory; each key at random positions without a screen (the movement, the Frame, and
every pane that a screen of 200 x 60 shows, as text); each in the real app, up to the first paint of where it leads; and
the scrubber, dragged. What is read a little at a time is painted later: where that is so, it is said when the screen
stood. Of a script that lives there is a part alone: its keys, at the head and behind it.
Every line is printed as soon as it is known: medians and 95th percentiles by the wall clock and by the processor's, and
at the end of a part which keys do not keep to the bar. With ``--tapes`` the tapes are made once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from tests.bench.reader import drawing, painting
from tests.bench.reader.keys import KEYS, SCREEN_KEYS, Times
from tests.bench.reader.tapes import LOADS
from tests.fakes import TapeBuilder

BAR = 0.050
"""Seconds that the 95th percentile of a key may take."""
PARTS = {
    "opening": "opening",
    "keys": "the movement, its Frame and all panes as text",
    "app": "in the app, painted",
    "scrubber": "the scrubber, dragged",
    "live": "in the app, of a script that lives",
}
"""What is measured, and its title."""
FRAMES = 20
"""Positions a second that are to be painted while the scrubber is dragged."""
_OPENINGS = 5
_DRAGGED = 4.0  # seconds
_LATER = 0.005  # seconds after the first paint from which on the last one is told


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of some lies."""
    ordered = sorted(values)
    return ordered[min(round(share * (len(ordered) - 1)), len(ordered) - 1)]


def cell(times: Sequence[Times]) -> str:
    """Return median and 95th percentile in milliseconds, wall and processor."""
    clocks = ([one.wall for one in times], [one.cpu for one in times])
    return " / ".join(f"{1000 * median(values):.0f}, {1000 * percentile(values, 0.95):.0f}" for values in clocks)


def row(key: str, times: Sequence[Times], last: Sequence[Times] = ()) -> str:
    """Return the line of a key; ``last``: when the screen stood, where something was painted after that."""
    is_later = any(late.wall > one.wall + _LATER for one, late in zip(times, last, strict=False))
    stood = f"   stood after {cell(last)}" if is_later else ""
    return f"{key:24} {cell(times)}{'   above the bar' if _is_missed(times) else ''}{stood}"


def said(found: dict[str, list[Times]]) -> str:
    """Return which keys take too long."""
    missed = [key for key, times in found.items() if _is_missed(times)]
    return f"above {1000 * BAR:.0f} ms of processor time: {', '.join(missed) or 'none'}"


def _is_missed(times: Sequence[Times]) -> bool:
    return percentile([one.cpu for one in times], 0.95) > BAR


def resident() -> float:
    """Return the MiB of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


# --- in processes of their own ----------------------------------------------------------------------------------------


def work(part: str, path: str, repeat: int, until: str) -> None:
    """Measure one part and print what is found, a line of JSON for each key."""
    if part == "opening":
        _tell(asyncio.run(_opening(path)))
    elif part == "keys":
        for key, times in drawing.measure(path, KEYS, repeat):
            _tell((key, _plain(times)))
    elif part == "scrubber":
        rate, times = asyncio.run(painting.drag(path, _DRAGGED))
        _tell((f"dragged, {rate:.1f} a second", _plain(times)))
    else:
        asyncio.run(_painting(path, repeat, until))
    _tell(resident())


def _plain(times: Sequence[Times]) -> list[tuple[float, float]]:
    return [(one.wall, one.cpu) for one in times]


def _tell(found: object) -> None:
    print(json.dumps(found), flush=True)


async def _painting(path: str, repeat: int, until: str) -> None:
    live = painting.measure_live(path, until, repeat)
    async for key, first, last in live if until else painting.measure(path, (*SCREEN_KEYS, *KEYS), repeat):
        _tell((key, _plain(first), _plain(last)))


async def _opening(path: str) -> tuple[float, float]:
    """Return when the first Frame was painted, and the processor's time up to then."""
    async with painting.opened(path):
        return time.time(), time.process_time()


def _ask(part: str, path: Path, repeat: int, until: str = "") -> Iterator[Any]:
    """Yield what a process of its own says of one part, line by line; it ends with the process."""
    command = [sys.executable, "-m", "tests.bench.reader", "--work", part]
    command += ["--tapes", str(path), "--repeat", str(repeat), "--until", until]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=kept
    ) as working:  # nobody compiles at a start
        assert working.stdout is not None
        yield from map(json.loads, working.stdout)
    if working.returncode:
        sys.exit(f"{' '.join(command)} failed")


def opening(path: Path) -> tuple[float, float, float]:
    """Return seconds from the start of the process to the first Frame (wall, processor) and MiB; medians."""
    found = []
    for _ in range(_OPENINGS):
        began = time.time()
        (at, cpu), memory = _ask("opening", path, 1)
        found.append((at - began, cpu, memory))
    wall, cpu, memory = (median(column) for column in zip(*found, strict=True))
    return wall, cpu, memory


# --- the command ------------------------------------------------------------------------------------------------------


def report(name: str, path: Path, repeat: int, parts: Sequence[str]) -> None:
    """Measure the parts of one tape and print each line as it is known."""
    _say(f"\n{LOADS[name].text} ({path.stat().st_size / 2**20:,.0f} MiB)")
    for part in parts:
        if (part == "live") != bool(LOADS[name].until):
            continue
        if part == "opening":
            wall, cpu, memory = opening(path)
            _say(f"first Frame painted after {wall:.2f} s ({cpu:.2f} s of processor); {memory:.0f} MiB")
        else:
            bar = f" (at least {FRAMES} a second)" if part == "scrubber" else ""
            _say(f"\n{PARTS[part]}{bar}; median, 95th percentile in ms: wall / processor")
            *found, memory = _told(_ask(part, path, repeat, LOADS[name].until))
            _say(said(dict(found)))
            _say(f"memory after all keys: {memory:.0f} MiB")


def _told(answers: Iterator[Any]) -> Iterator[Any]:
    """Print the line of each key as it comes, and pass all on."""
    for answer in answers:
        if isinstance(answer, list):
            key, times, *last = answer[0], *([Times(*one) for one in several] for several in answer[1:])
            _say(row(key, times, *last))
            yield key, times
        else:
            yield answer


def _say(text: str) -> None:
    print(text, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reader", description="How long a key takes.")
    parser.add_argument("loads", nargs="*", metavar="TAPE", help=f"of {', '.join(LOADS)}; all if left out")
    parser.add_argument("--repeat", type=int, default=20, help="presses of each key (%(default)s)")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="PART,...", help="of %(default)s")
    parser.add_argument("--quick", action="store_true", help="tapes of a hundredth, and three presses: a first look")
    parser.add_argument("--tapes", metavar="FOLDER", help="where the tapes are kept; those that are there are taken")
    parser.add_argument("--until", default="", help=argparse.SUPPRESS)
    parser.add_argument("--work", choices=tuple(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.loads) - set(LOADS)):
        parser.error(f"no tape {', '.join(unknown)}; there are {', '.join(LOADS)}")
    if unknown := sorted(set(options.parts.split(",")) - set(PARTS)):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


def main(arguments: list[str]) -> None:
    """Measure and print."""
    options = parse(arguments)
    if options.work:
        work(options.work, options.tapes, options.repeat, options.until)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.tapes or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        parts = options.parts.split(",")
        if "opening" in parts:
            small = folder / "small.tape"
            small.unlink(missing_ok=True)
            TapeBuilder.chain_rule_example(small)
            wall, cpu, memory = opening(small)
            _say(f"a small tape: first Frame painted after {wall:.2f} s ({cpu:.2f} s of processor); {memory:.0f} MiB")
        for name in options.loads or LOADS:
            path = folder / f"{name}{'-quick' if options.quick else ''}.tape"
            _make(path, LOADS[name].quick if options.quick else LOADS[name].write)
            report(name, path, 3 if options.quick else options.repeat, parts)


def _make(path: Path, write: Callable[[Path], None]) -> None:
    """Write a tape that is not there, or is of another format; one not written to its end is never taken."""
    if not _is_readable(path):
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        began = time.time()
        write(unfinished)
        unfinished.rename(path)
        _say(f"{path.name}: made in {time.time() - began:.0f} s")


def _is_readable(path: Path) -> bool:
    try:
        Tape.open(path).close()
    except TapeError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
