"""What an installed gradb consists of."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from tests.e2e.gradb_process import ROOT, SCENARIOS, run


def test_wheel_holds_all_that_is_needed(tmp_path: Path) -> None:
    """The wheel ships the scenarios with their command scripts, the formulas, the style sheet and the type marker."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=ROOT)
    assert done.code == 0, done.err
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    scenarios = {f"gradb/_scenarios/{path.name}" for path in SCENARIOS.iterdir() if path.is_file()}
    assert len(scenarios) >= 8
    assert names >= scenarios | {"gradb/py.typed", "gradb/rules/formulas.json", "gradb/tui/gradb.tcss"}
    assert not any(name.startswith(("tests/", "scenarios/")) for name in names)
