"""What somebody asked of a node while the script was held there, as the tape has it."""

from __future__ import annotations

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.frame.chain.record import Asked
from gradb.frame.graph.runs import NodeRun
from gradb.frame.store import Store
from gradb.tape.kinds.jacobian import Probe
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import CODES

LINEAR = "linear, as a derivative is: the sum of two vectors gives the sum of what each gives"


def answers(store: Store, node: int, run: NodeRun | None, position: int) -> list[tuple[int, ProbeDetail]]:
    """Return the answers (with the seq of each) up to a position about one run of a node, oldest first."""
    if run is None or run.start is None:
        return []
    rows = store.db.all(
        f"SELECT seq FROM event WHERE node = ? AND +kind = {CODES['probe']} AND seq > ? AND seq <= ? ORDER BY seq",
        node,
        run.start,
        position,
    )
    found = [(seq, store.detail(seq)) for (seq,) in rows]
    return [(seq, detail) for seq, detail in found if isinstance(detail, ProbeDetail) and detail.start == run.start]


def measured(found: list[tuple[int, ProbeDetail]]) -> tuple[Probe, ...]:
    """Return the newest full measurement among some answers; empty where there is none."""
    return next((detail.probes for _, detail in reversed(found) if detail.probes), ())


def record(seq: int, detail: ProbeDetail) -> Asked:
    """Return one answer with its check."""
    return Asked(
        event=seq,
        what=detail.what,
        index=detail.index,
        of=detail.of,
        vector=detail.vector,
        result=detail.result,
        check=_linearity(detail),
        has_run_code=detail.has_run_code,
        note=detail.note,
    )


def _linearity(detail: ProbeDetail) -> Check | None:
    """Hold what upstream + vector gives against the sum of what each gives, edge by edge; the worst verdict counts."""
    checks = []
    for base, result, moved in zip(detail.base, detail.result, detail.moved, strict=False):
        if moved is None and base is None and result is None:
            continue
        check = jacobian.check_sum((base, result), moved)
        if check is None:
            return None
        checks.append(check)
    worst = min(checks, key=lambda check: (check.is_ok, -check.max_error), default=None)
    if worst is None or (worst.is_ok and worst.text != jacobian.AGREES):
        return worst
    text = LINEAR if worst.is_ok else worst.text.replace("the engine", "a linear map")
    return Check(worst.is_ok, worst.max_error, text)
