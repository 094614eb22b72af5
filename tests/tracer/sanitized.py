"""Compiles the C accelerator with the address and undefined-behaviour sanitizers, and has it read, record and write.

``python -m tests.tracer.sanitized`` ends with 1 at the first access outside of an object's memory, or use of what C
leaves undefined. Torch's memory and Python's have the sanitizer's guards around them too, since its library is loaded
before all others. With ``valgrind`` as its word it has valgrind look for memory that is read before it was written,
where no torch is needed. It needs gcc or valgrind and takes minutes, so it is run by hand.
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


COMMANDS = (
    ("tests.tracer.both_pens", "--count", "20000"),
    ("tests.tracer.both_ways", "--count", "5000", "views", "tapes"),
    (
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/unit/tape/test_programs.py",
        "tests/unit/tape/test_sifting.py",
        "tests/tracer/test_step_sizes.py",
        "tests/tracer/test_lock.py",
        "tests/processes/checkpoints/test_forking.py",
    ),
)
"""What is run where nothing is named."""


def under_valgrind() -> int:
    """Run what needs no torch under valgrind; return how many lines of what it found are about the accelerator."""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name, "found")
        command = ("valgrind", f"--log-file={log}", sys.executable, "-m", "tests.tracer.both_pens", "--count", "2000")
        guarded = os.environ | {"PYTHONMALLOC": "malloc"}
        subprocess.run((*command, "calls", "refusals"), cwd=ROOT, env=guarded, check=True)
        lines = log.read_text().splitlines()
    found = [at for at, line in enumerate(lines) if NAME in line]
    for at in found:
        print("\n".join(lines[max(0, at - 8) : at + 8]))
    return len(found)


def main(words: list[str]) -> int:
    """Compile a copy, and have all commands try it, or the one that is named: a module with its arguments."""
    if words == ["valgrind"]:
        return min(1, under_valgrind())
    with tempfile.TemporaryDirectory() as name:
        package = Path(name, "gradb")
        shutil.copytree(Path(gradb.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        native = package / "tracer" / "native"
        compile_to(native, native / NAME, _FLAGS)
        for module, *arguments in [words] if words else COMMANDS:
            command = (sys.executable, "-m", module, *arguments)
            code = subprocess.run(command, cwd=ROOT, env=environment(Path(name)), check=False).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
