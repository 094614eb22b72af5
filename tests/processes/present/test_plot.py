"""What drawing a plot leaves in its process."""

from __future__ import annotations

import subprocess
import sys


def test_drawing_leaves_no_state() -> None:
    """Nothing heavy is loaded, nothing printed, and the figure that plotext keeps for all stays empty."""
    code = (
        "import sys, plotext; from gradb.present.draw.raster import Stroke, raster;"
        "lines = raster([Stroke('o', [(1.5, 1.5, False)])], 20, 6, [(0.5, '1')], [(0.0, '0')]);"
        "assert not {'torch', 'textual'} & set(sys.modules);"
        "assert len(plotext.figure._signals._signal) == 0"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
