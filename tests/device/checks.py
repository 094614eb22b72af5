"""The checks: each runs a script in a process of its own, bare and recorded, and compares."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "scripts"
SCENARIOS = ROOT / "scenarios"
HARD = ROOT / "tests" / "tracer" / "hard" / "scripts"
_TIMEOUT = 600.0
ENVIRONMENT = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
_LONG = "zero_grad"  # a scenario that goes on for thousands of iterations


@dataclass(frozen=True, slots=True)
class Row:
    """What a check found."""

    check: str
    result: str
    seconds: float
    is_good: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left."""

    code: int
    out: str
    err: str


def run(*words: str | Path) -> Done:
    """Run Python with some arguments to its end."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | ENVIRONMENT,
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def recorded(tape: Path, *words: str | Path, options: tuple[str, ...] = ()) -> Done:
    """Run a script under ``gradb record``."""
    return run("-m", "gradb", "record", "-o", tape, *options, *words)


def timed(check: str, find: Callable[[], str], is_good: Callable[[str], bool] = lambda result: True) -> Row:
    """Make a check, and say how long it took; one that cannot be made is a failure."""
    begin = time.monotonic()
    try:
        result = find()
    except (AssertionError, subprocess.TimeoutExpired, StopIteration, ValueError) as error:
        return Row(check, f"FAILED: {str(error)[:200]}", time.monotonic() - begin, is_good=False)
    return Row(check, result, time.monotonic() - begin, is_good(result))


def same_bits(folder: Path, *words: str | Path, options: tuple[str, ...] = ()) -> str:
    """Hold what a script prints of its results, recorded, against the bare run."""
    bare = run(*words)
    if bare.code:
        return f"not run: the bare script fails there ({_last(bare.err)})"
    tape = folder / "run.tape"
    done = recorded(tape, *words, options=options)
    tape.unlink(missing_ok=True)
    if (done.code, done.out) != (0, bare.out):
        raise AssertionError(f"other results than bare: {_last(done.err) or _difference(bare.out, done.out)}")
    return f"same bits ({bare.out.count(chr(10))} lines)"


def _last(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].replace("|", "/")[:120]


def _difference(one: str, other: str) -> str:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    return next((f"{a} != {b}" for a, b in pairs if a != b), "another number of lines")


def paused(folder: Path, device: str) -> str:
    """Hold a training at nodes that run on the device's thread, step on, and let it end."""
    done = run("pausing.py", device, folder / "paused.tape")
    if done.code:
        raise AssertionError(_last(done.err))
    return _last(done.out)


def cost(folder: Path, device: str, rounds: int) -> str:
    """Return the ratios of wall time to the bare run of the same round, their medians."""
    ratios: dict[str, list[float]] = {"watch": [], "full": []}
    for _ in range(rounds):
        bare = _seconds(run("cost.py", device))
        for depth, found in ratios.items():
            tape = folder / "cost.tape"
            found.append(_seconds(recorded(tape, "cost.py", device, options=("--record", depth))) / bare)
            tape.unlink(missing_ok=True)
    return ", ".join(f"{depth} {median(found):.2f}" for depth, found in ratios.items()) + " times the bare wall time"


def _seconds(done: Done) -> float:
    line = next((line for line in done.out.splitlines() if line.startswith("{")), None)
    if line is None:
        raise AssertionError(_last(done.err))
    return float(json.loads(line)["wall"])


def _scripts(folder: Path, *, is_quick: bool) -> list[Path]:
    found = [path for path in sorted(folder.glob("*.py")) if path.stem != _LONG]
    return found[:1] if is_quick else found


def _checks(folder: Path, device: str, *, is_quick: bool) -> Iterator[Row]:
    for kind, scripts in (("scenario", SCENARIOS), ("hard case", HARD)):
        for path in _scripts(scripts, is_quick=is_quick):
            yield timed(f"{kind} {path.stem}", functools.partial(same_bits, folder, "on_device.py", device, path))
    for depth in ("full", "watch"):
        options = ("--record", depth)
        find = functools.partial(same_bits, folder, "training.py", device, options=options)
        yield timed(f"training with AMP and GradScaler, {depth}", find)
    yield timed("pausing and stepping on", lambda: paused(folder, device))
    yield timed("cost of recording", lambda: cost(folder, device, 1 if is_quick else 5))


def run_all(device: str, *, is_quick: bool = False) -> list[Row]:
    """Make every check on a device."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_checks(Path(folder), device, is_quick=is_quick))
