"""``gradb.set_trace()`` in a script that gradb does not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import gradb
from gradb import set_trace
for _ in range(3):
    set_trace()
    gradb.set_trace(header="here")
print("the end")
"""


def test_it_is_passed_and_says_so_once(tmp_path: Path) -> None:
    """The script goes on, and one sentence on stderr says that gradb does not run it."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, path], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "the end\n")
    assert done.stderr == "gradb: set_trace() is passed, since gradb does not run this (gradb SCRIPT does)\n"


def test_it_needs_no_stderr(tmp_path: Path) -> None:
    """A script without a stderr goes on all the same."""
    code = "import sys, gradb; sys.stderr = None; gradb.set_trace(); print('the end')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "the end\n"
