"""Compiles the C accelerator with the address and undefined-behaviour sanitizers, and reads random tensors with it.

``python -m tests.tracer.sanitized`` ends with 1 at the first access outside of a tensor's memory, or use of what C
leaves undefined. Torch's memory and Python's have the sanitizer's guards around them too, since its library is loaded
before all others. It needs gcc and takes a minute, so it is run by hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gradb
from hatch_build import NAME, compile_to

ROOT = Path(__file__).resolve().parents[2]
_FLAGS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
_LIBRARIES = ("libasan.so", "libubsan.so")
_OPTIONS = "detect_leaks=0"  # Python and torch let go of nothing at the end


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which the gradb in a folder is imported, with the sanitizers there first."""
    paths = [
        subprocess.run(("gcc", f"-print-file-name={name}"), check=True, capture_output=True, text=True).stdout.strip()
        for name in _LIBRARIES
    ]
    guarded = {"LD_PRELOAD": ":".join(paths), "ASAN_OPTIONS": _OPTIONS, "PYTHONMALLOC": "malloc"}
    return os.environ | guarded | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


def main(words: list[str]) -> int:
    """Compile a copy, and have ``tests.tracer.both_ways`` try it; ``words`` are its arguments."""
    with tempfile.TemporaryDirectory() as name:
        package = Path(name, "gradb")
        shutil.copytree(Path(gradb.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        native = package / "tracer" / "native"
        compile_to(native, native / NAME, _FLAGS)
        command = (sys.executable, "-m", "tests.tracer.both_ways", *(words or ["--count", "5000", "views"]))
        return subprocess.run(command, cwd=ROOT, env=environment(Path(name)), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
