"""What is told of a run when it begins: what it runs, and what it runs on, so that it can be run again."""

from __future__ import annotations

import ast
import json
import os
import platform
import stat
import sys
import time

from gradb.link.spec import RunSpec

_HASH_SEED = "PYTHONHASHSEED"


def begin(spec: RunSpec, text: str | None) -> dict[str, str]:
    """Return the facts of a run (see the ``run`` table).

    Args:
        spec: what is run.
        text: of the script, where it can be read.
    """
    title, lesson = _docstring(text or "")
    return {
        "script": spec.script or "", "module": spec.module or "", "arguments": json.dumps(spec.arguments),
        "cwd": os.getcwd(), "title": title, "lesson": lesson, "python": platform.python_version(), "torch": "",
        "status": "running", "started": str(time.time()), "seed": "" if spec.seed is None else str(spec.seed),
        "hash_seed": _hash_seed(), "stdin": _stdin(spec), "system": f"{os.uname().sysname} {os.uname().machine}",
        "cpus": str(os.cpu_count() or ""), "planned": _planned(spec),
    }  # fmt: skip


def _planned(spec: RunSpec) -> str:
    """Return what is to be changed by the numbers of iterations; how much is recorded the events of that tell."""
    return json.dumps([[one.what, one.value, one.iteration] for one in spec.interventions if one.what != "record"])


def hide_hash_seed(spec: RunSpec) -> None:
    """Take from the environment what only gradb has put there, before the script could see it."""
    if spec.hash_seed is not None:
        os.environ.pop(_HASH_SEED, None)


def _hash_seed() -> str:
    seed = os.environ.get(_HASH_SEED, "")
    return seed if seed.isascii() and seed.isdigit() and not sys.flags.ignore_environment else ""


def _stdin(spec: RunSpec) -> str:
    """Return path, size and time of change of the file that the script reads from; empty where it has none."""
    if spec.stdin is None:
        return ""
    try:
        found = os.fstat(0)
    except OSError:
        return json.dumps([spec.stdin, None, None])
    is_file = stat.S_ISREG(found.st_mode)
    path = os.path.realpath("/proc/self/fd/0") if is_file else spec.stdin
    return json.dumps([path, found.st_size if is_file else None, found.st_mtime_ns if is_file else None])


def _docstring(text: str) -> tuple[str, str]:
    try:
        whole = ast.get_docstring(ast.parse(text)) or ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        whole = ""
    title, _, lesson = whole.partition("\n")
    return title.strip(), lesson.strip()
