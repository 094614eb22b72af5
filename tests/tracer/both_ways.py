"""Records with the C accelerator and without it, and holds one tape against the other, row by row.

``python -m tests.tracer.both_ways`` does so for all scenarios and hard cases, tries a hundred thousand random views
of tensors, and takes a million values while it watches memory; the suite takes a share of each.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import math
import os
import random
import re
import resource
import sqlite3
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from gradb.tape.wire import Blob
from gradb.tracer.native.loading import standing
from gradb.tracer.native.trial import accelerator, doubt
from gradb.tracer.tensors.values import Snapshots
from tests.fakes.flat import flatten
from tests.tracer import both_pens
from tests.tracer.hard.cases import CASES
from tests.tracer.recording import record

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64,
)  # fmt: skip
_TABLES = ("source", "event", "renumbered", "node", "saved", "used", "gone", "remark", "missing", "tensor", "name",
           "grad", "library", "series", "chunk")  # fmt: skip
_SWITCH = "GRADB_ACCELERATOR"
_WILFUL = frozenset({"threads", "compiled", "dtypes"})
"""Hard cases of which no two recordings are the same: order of threads, names of compiled code, first uses in torch."""


@contextlib.contextmanager
def in_python() -> Iterator[None]:
    """Have what is recorded within read in Python."""
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "off"
    try:
        yield
    finally:
        del os.environ[_SWITCH]
        if before is not None:
            os.environ[_SWITCH] = before


# --- values -----------------------------------------------------------------------------------------------------------


def _unexpected(what: str, error: Exception) -> str:
    raise AssertionError(what) from error


def readers(limit: int) -> tuple[Snapshots, Snapshots]:
    """Return what reads by the accelerator, and what reads in Python; functions of no recording then do the latter."""
    quick = Snapshots(limit, _unexpected)
    with in_python():
        return quick, Snapshots(limit, _unexpected)


def check_value(tensor: torch.Tensor | None, limit: int) -> None:
    """Hold what is kept of a tensor one way against what is kept of it the other way, in a blob that has begun."""
    kept = []
    for snapshots in readers(limit):
        blob = Blob()
        blob.add(b"before")
        text = snapshots.take(tensor, blob)
        assert blob.size == len(blob.join() or b"")
        kept.append((_apart(json.loads(text)), blob.join(), blob.odd, len(blob.parts)))
    (quick, *rest), (slow, *others) = kept
    assert rest == others
    assert quick[0] == slow[0]
    if tensor is not None and quick[1] != slow[1]:
        assert_sums(quick[1], slow[1], _largest(tensor))


def _largest(tensor: torch.Tensor) -> float:
    numbers = torch.nan_to_num(tensor.detach().double(), 0.0, 0.0, 0.0)
    return float(numbers.abs().max())


def assert_sums(quick: list[Any], slow: list[Any], largest: float = 0.0) -> None:
    """Hold means and norms against each other: Python's way adds float32 in float32, and the error of a sum in which
    numbers cancel goes by the elements.
    """
    assert len(quick) == len(slow)
    for one, other in zip(quick, slow, strict=True):
        for first, second, most in zip(one, other, (1e-6 * largest, 0.0), strict=True):
            is_close = math.isclose(first, second, rel_tol=1e-6, abs_tol=most)
            assert is_close or repr(first) == repr(second), f"mean and norm {one} and {other}, elements up to {largest}"


def _apart(wire: Any) -> tuple[Any, list[Any]]:
    """Return a wire form without the means and norms in it, and these."""
    sums: list[Any] = []

    def without(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: without(one) for key, one in part.items()}
        if not isinstance(part, list):
            return repr(part)
        if len(part) == 5 and isinstance(part[3], list) and len(part[3]) == 10:
            sums.append(part[3][2:4])
            return [*map(without, part[:3]), [*map(repr, part[3][:2] + part[3][4:])], part[4]]
        return [without(one) for one in part]

    return without(wire), sums


def random_view(choose: random.Random) -> torch.Tensor:
    """Return a tensor of any dtype that lies in memory in any way, with NaN and infinities planted anywhere."""
    dtype, dim = choose.choice(DTYPES), choose.randrange(5)
    sizes = [choose.choice((0, 1, 1, 2, 3, 5, 8, 17)) if choose.random() < 0.9 else 40 for _ in range(dim)]
    count = math.prod(sizes) + 1
    is_any = choose.random() < 0.3 and dtype is not torch.bool
    tensor = _bits(count, dtype) if is_any else _numbers(count, dtype)
    for _ in range(choose.choice((0, 0, 1, 3)) if dtype.is_floating_point or dtype.is_complex else 0):
        tensor[choose.randrange(count)] = choose.choice((math.nan, math.inf, -math.inf, 0.0, -0.0))
    tensor = tensor[1:].view(sizes)
    for _ in range(choose.randrange(4)):
        tensor = choose.choice(_CHANGES)(tensor, choose)
    return tensor


def _bits(count: int, dtype: torch.dtype) -> torch.Tensor:
    """Return elements of any bits, NaNs of all kinds among them."""
    return torch.randint(0, 256, (16 * count,), dtype=torch.uint8).view(dtype)[:count]


def _numbers(count: int, dtype: torch.dtype) -> torch.Tensor:
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(count, dtype=dtype)
    top = 2 if dtype is torch.bool else 128
    return torch.randint(0 if dtype in {torch.bool, torch.uint8} else -128, top, (count,)).to(dtype)


def _transposed(tensor: torch.Tensor, choose: random.Random) -> torch.Tensor:
    return tensor.permute(choose.sample(range(tensor.dim()), tensor.dim()))


def _sliced(tensor: torch.Tensor, choose: random.Random) -> torch.Tensor:
    if not tensor.dim():
        return tensor
    dim = choose.randrange(tensor.dim())
    index: list[Any] = [slice(None)] * tensor.dim()
    index[dim] = slice(choose.randrange(3), None, choose.randrange(1, 4))
    return tensor[tuple(index)]


def _expanded(tensor: torch.Tensor, choose: random.Random) -> torch.Tensor:
    dim = choose.randrange(tensor.dim() + 1)
    sizes = list(tensor.shape)
    return tensor.unsqueeze(dim).expand(*sizes[:dim], choose.randrange(1, 6), *sizes[dim:])


def _narrowed(tensor: torch.Tensor, choose: random.Random) -> torch.Tensor:
    if tensor.dim() < 1 or not tensor.shape[0]:
        return tensor
    return tensor[choose.randrange(tensor.shape[0])]


def _overlapping(tensor: torch.Tensor, choose: random.Random) -> torch.Tensor:
    if tensor.dim() < 1 or tensor.shape[-1] < 3:
        return tensor
    return tensor.unfold(-1, 3, choose.randrange(1, 3))


_CHANGES: tuple[Callable[[torch.Tensor, random.Random], torch.Tensor], ...] = (
    _transposed, _transposed, _sliced, _expanded, _narrowed, _overlapping,
)  # fmt: skip


def check_views(seed: int, count: int) -> None:
    """Hold the two ways against each other for a number of random views."""
    choose = random.Random(seed)
    torch.manual_seed(seed)
    for _ in range(count):
        check_value(random_view(choose), choose.choice((0, 3, 64, 1 << 30)))


# --- recordings -------------------------------------------------------------------------------------------------------


def check_recording(folder: Path, name: str, script: Callable[[], Any], probe: str = "always") -> int:
    """Record a script both ways and hold one tape against the other; return the number of events."""
    tapes = [folder / f"{name}.quick", folder / f"{name}.slow"]
    record(tapes[0], script, probe=probe)
    with in_python():
        record(tapes[1], script, probe=probe)
    check_tapes_agree(*tapes)
    return sum(table == "event" for table, *_ in _rows(tapes[0]))


def check_tapes_agree(one: Path, other: Path) -> None:
    """Hold one tape against another, row by row."""
    for (table, row, sums), (other_table, other_row, other_sums) in zip(_rows(one), _rows(other), strict=True):
        assert (table, row) == (other_table, other_row), f"{table}: {row}\n{other_table}: {other_row}"
        assert_sums(sums, other_sums, 1.0)


def _rows(tape: Path) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yield each row of a tape: its table, the row without the means and norms in it, and these."""
    with contextlib.closing(sqlite3.connect(tape)) as connection:
        flatten(connection)
        for table in _TABLES:
            rows = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in rows.description]
            for row in rows:
                told = dict(zip(names, row, strict=True))
                told.pop("crc", None)  # which counts means and norms too
                sums: list[Any] = []
                if table in {"event", "saved", "used"}:
                    told["detail"], sums = _apart(json.loads(told["detail"]))
                elif table == "chunk":  # losses, rates and norms
                    sums = [[number, number] for number in array("d", told.pop("numbers"))]
                yield table, told, sums


_LENGTH = re.compile(r"(?<=range\(1, )\d{3,}(?=\))")
_MOST = "101"


def scenario(name: str) -> Callable[[], Any]:
    """Return a function that runs a scenario, a long one for 100 iterations, whatever it prints or fails with."""
    path = SCENARIOS / f"{name}.py"
    code = compile(_LENGTH.sub(_MOST, path.read_text(encoding="utf-8")), str(path), "exec")

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(RuntimeError):
            exec(code, {"__name__": "__main__", "__file__": str(path)})

    return run


# --- memory -----------------------------------------------------------------------------------------------------------


def check_memory(takes: int) -> int:
    """Take values many times, each kept for a moment; return by how many KiB the peak of memory grew."""
    snapshots = Snapshots(64, _unexpected)
    tensors = (
        torch.ones(3, 4),
        torch.ones(4, 3).t(),
        torch.ones(9, 9),
        torch.full((9, 9), math.nan).t(),
        torch.ones(0),
    )
    _take(snapshots, tensors, takes // 10)
    gc.collect()
    counts = [sys.getrefcount(tensor) for tensor in tensors]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _take(snapshots, tensors, takes)
    assert [sys.getrefcount(tensor) for tensor in tensors] == counts
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def _take(snapshots: Snapshots, tensors: tuple[torch.Tensor, ...], takes: int) -> None:
    take = snapshots.take
    for _ in range(takes // 50):
        blob = Blob()
        for _ in range(10):
            for tensor in tensors:
                take(tensor, blob)


def check_tapes() -> None:
    """Record all scenarios and hard cases both ways."""
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(path.stem for path in SCENARIOS.glob("*.py")):
            print(f"{name}: {check_recording(Path(folder), name, scenario(name))} events agree", flush=True)
        for name, case in CASES.items():
            if name in _WILFUL:
                continue
            print(f"{name}: {check_recording(Path(folder), f'case_{name}', case)} events agree", flush=True)


def main(words: list[str]) -> None:
    """Check all there is, or the parts that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.tracer.both_ways")
    parser.add_argument("--count", type=int, default=100_000, help="how many views (%(default)s)")
    parser.add_argument("parts", nargs="*", choices=("views", "tapes", "memory", []), help="all if left out")
    options = parser.parse_args(words)
    if accelerator() is None:
        sys.exit(f"there is nothing to hold against Python: {standing().text} {doubt()}")
    parts = options.parts or ["views", "tapes", "memory"]
    if "views" in parts:
        check_views(1, options.count)
        print(f"{options.count:,} views agree")
    if "tapes" in parts:
        check_tapes()
    if "memory" in parts:
        print(f"1,000,000 values: the peak of memory grew by {check_memory(1_000_000)} KiB")
        with tempfile.TemporaryDirectory() as folder:
            grown = both_pens.check_memory(Path(folder), 1_000_000)
        print(f"1,000,000 events: resident memory grew by {grown} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
