"""A sample of what ``python -m tests.e2e.relives`` tries at length: stretches lived again from checkpoints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.gradb_process import WarmParts
from tests.e2e.relives.cases import CASES
from tests.e2e.relives.round import SAME, Round

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="there are no checkpoints elsewhere")]
_CASES = {case.path.stem: case for case in CASES}


@pytest.mark.parametrize(
    ("name", "seed", "is_lived"), [("files_by_handle", 1, True), ("files_by_path", 2, False), ("generators", 3, True)]
)
def test_stretches_are_the_same_or_refused(
    name: str, seed: int, is_lived: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the script's output, files and exit code are those that it has without gradb."""
    monkeypatch.setattr(subprocess, "Popen", WarmParts)
    one = Round(_CASES[name], seed, tmp_path)
    one.hold()
    assert (one.strange(), one.faults) == ([], [])
    assert any(why in SAME for why in one.outcomes) or not is_lived
