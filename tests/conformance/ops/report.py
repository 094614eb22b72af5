"""The table of results and the closing line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.conformance.ops.results import Result

_HEAD = ("op", "dtype", "samples", "nodes", "checked", "unprobed", "verdict")


def table(results: Iterable[Result]) -> str:
    """Return one row a case: op, dtype, samples, nodes, products checked, not probed and why, verdict."""
    rows = [_HEAD, *(_row(result) for result in sorted(results, key=lambda result: result.key))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines) + "\n"


def _row(result: Result) -> tuple[str, ...]:
    counts = (result.samples, result.nodes, result.checked, sum(result.unprobed.values()))
    verdict = "conforms" if result.conforms else result.problems[0]
    why = "; ".join(f"{count} {reason}" for reason, count in result.unprobed.items())
    return (result.op, result.dtype, *map(str, counts), f"{verdict} [{why}]" if why else verdict)


def reasons(results: Iterable[Result]) -> str:
    """Return why products were not compared, the most frequent reason first."""
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.unprobed)
    return "".join(f"{count:>8,}  {reason}\n" for reason, count in total.most_common())


def unchecked(results: Iterable[Result]) -> list[str]:
    """Return the ops of which not one product was compared, in any dtype."""
    checked: dict[str, int] = {}
    for result in results:
        checked[result.op] = checked.get(result.op, 0) + result.checked
    return sorted(op for op, count in checked.items() if not count)


def unsteady(results: Iterable[Result]) -> list[str]:
    """Return the cases with samples whose results differ from run to run in plain torch, with how many there are."""
    return [f"{result.op} {result.dtype} ({result.unsteady})" for result in results if result.unsteady]


def closing(results: Sequence[Result]) -> str:
    """Return the line that sums up a run."""
    ops = {result.op for result in results}
    failed = {result.op for result in results if not result.conforms}
    dtypes = ", ".join(_dtype(results, dtype) for dtype in ("float64", "complex128"))
    counts = (
        f"{sum(result.samples for result in results):,} samples",
        f"{sum(result.nodes for result in results):,} nodes",
        f"{sum(result.checked for result in results):,} products checked",
        f"{sum(sum(result.unprobed.values()) for result in results):,} not probed",
    )
    exceptions = sum(not result.conforms for result in results)
    return f"{len(ops - failed)} of {len(ops)} ops conform ({dtypes}): {', '.join(counts)}; {exceptions} exceptions"


def _dtype(results: Sequence[Result], dtype: str) -> str:
    of = [result for result in results if result.dtype == dtype]
    return f"{dtype} {sum(result.conforms for result in of)} of {len(of)}"
