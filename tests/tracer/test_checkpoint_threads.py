"""Threads of torch's: which of them stand against a checkpoint, told by what is on their stacks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.tracer.checkpoints import landlock, opened
from gradb.tracer.checkpoints.mappings import Mappings
from gradb.tracer.checkpoints.refusals import Ours, Refusals
from gradb.tracer.checkpoints.threads import pause
from tests.e2e.gradb_process import ROOT, bare

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(landlock.why_not() is not None, reason="the kernel has no Landlock of version 3"),
]
_OURS = "torch has a thread of its own"


def _why_not() -> str | None:
    """Return what stands against a checkpoint beside a thread of gradb's."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    ours = Ours(frozenset({thread.native_id or 0}), frozenset(opened.numbers()), "/none")
    try:
        return Refusals().why_not(ours)
    finally:
        end.set()
        thread.join()


def _apart(folder: Path, work: Callable[[], Any]) -> Any:
    """Return what a function returns in a process in which no backward was run and nothing was computed.

    In a fork of one that has run a backward torch does not survive one of seventy levels.
    """
    lines = [
        f"import json, sys; sys.path.insert(0, {str(ROOT)!r})",
        f"from {__name__} import {work.__name__} as work",
        "print(json.dumps(work()))",
    ]
    (folder / "apart.py").write_text("\n".join(lines))
    done = bare(folder / "apart.py")
    assert done.code == 0, done.err
    return json.loads(done.out)


def compute() -> list[Any]:
    """Have two threads compute, and look at them before and after they are paused."""
    torch.set_num_threads(2)
    x = torch.ones(400, 400)
    product = x @ x
    found = [_why_not()]
    pause(Mappings.now())
    return [*found, _why_not(), torch.equal(x @ x, product)]


def test_threads_that_only_compute_do_not(tmp_path: Path) -> None:
    """OpenMP's, which are ended for the fork, and those of the pool that torch makes with its number of threads."""
    assert _apart(tmp_path, compute) == [None, None, True]


class _Within(torch.autograd.Function):
    """Runs a backward in its backward, and so on for so many levels."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, depth: int) -> torch.Tensor:
        ctx.depth = depth
        return x * 2

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        if ctx.depth:
            _run(ctx.depth - 1)
        return upstream[0] * 2, None


def _run(depth: int) -> None:
    with torch.enable_grad():
        within: Any = _Within
        within.apply(torch.ones(1, requires_grad=True), depth).backward()


def nest() -> list[str | None]:
    """Look at the threads after backwards of thirty levels, and of seventy."""
    _run(30)
    found = [_why_not()]
    _run(70)
    return [*found, (_why_not() or "")[: len(_OURS)]]


def test_a_thread_of_the_engines_does(tmp_path: Path) -> None:
    """It starts some for a backward that is many levels within others, and no child could run a backward after that."""
    assert _apart(tmp_path, nest) == [None, _OURS]
