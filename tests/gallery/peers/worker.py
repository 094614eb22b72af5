"""The process that has torch and the other tools in memory, and forks for each question (``python -m``, as all here).

Its arguments are the names of cases. It prints a line of JSON for each case: what every tool said.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from tests.gallery.cases import Case, all_cases
from tests.gallery.peers.said import Said
from tests.gallery.peers.tools import TOOLS

_PATIENCE = 60.0
"""Seconds that a tool may take for one question."""


def main(names: Sequence[str]) -> None:
    """Ask every tool about the cases of these names."""
    for name in ("torch._dynamo", "guardtower", "pytest_torch", "sherlorch"):
        importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    for case in all_cases():
        if case.name in names:
            said = {tool: asdict(_joined([ask(case, way) for way in ways])) for tool, ways in TOOLS.items()}
            print(json.dumps([case.name, said]), file=answers, flush=True)


def _joined(said: Sequence[Said]) -> Said:
    """Return as one what a tool said to several questions; it can be run where it can be for any of them."""
    cannot = "; ".join(dict.fromkeys(one.cannot for one in said)) if all(one.cannot for one in said) else ""
    sentences = tuple(text for one in said for text in one.sentences)
    return Said(sentences, tuple(line for one in said for line in one.lines), cannot)


def ask(case: Case, way: Callable[[Path], Said]) -> Said:
    """Ask a tool in a process of its own, in a folder that is thrown away."""
    readable, writable = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if not pid:
            _answer(case.path, way, writable, folder)
        os.close(writable)
        with os.fdopen(readable, "rb") as file:
            is_there = bool(select.select([file], [], [], _PATIENCE)[0])
            if not is_there:
                os.killpg(pid, signal.SIGKILL)
            text = file.read()
        os.waitpid(pid, 0)
    if text:
        given = json.loads(text)
        return Said(tuple(given["sentences"]), tuple(given["lines"]), given["cannot"])
    return Said(cannot="its process ended without an answer" if is_there else f"no answer in {_PATIENCE:.0f} s")


def _answer(path: Path, way: Callable[[Path], Said], writable: int, folder: str) -> NoReturn:
    os.setsid()
    os.chdir(folder)
    sys.argv = [str(path)]
    try:
        said = way(path)
    except BaseException as error:
        said = Said(cannot=str(error) if isinstance(error, LookupError) else f"{type(error).__name__}: {error}")
    with contextlib.suppress(OSError):
        os.write(writable, json.dumps(asdict(said)).encode())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
