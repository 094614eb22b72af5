"""Prints what gradb and the other tools make of the cases: a row a case, and a line a tool."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.gallery.cases import Case
from tests.gallery.peers.claims import OUTCOMES, outcome
from tests.gallery.peers.environment import environment
from tests.gallery.peers.said import Said
from tests.gallery.verdict import Verdict

_ROOT = Path(__file__).resolve().parents[3]
_TOOLS = ("detect_anomaly", "guardtower", "sherlorch", "pytest-torch")
_Row = dict[str, str]
"""What each tool made of a case."""


def print_comparison(verdicts: Sequence[Verdict]) -> None:
    """Ask the other tools about cases that gradb has judged, and print both."""
    rows: list[tuple[Case, _Row]] = []
    whys: Counter[tuple[str, str]] = Counter()
    print(f"{'':<52} {'gradb':<12} {'  '.join(f'{tool:<14}' for tool in _TOOLS)}")
    with environment() as python:
        said = _ask(python, [one.case for one in verdicts])
    for verdict in verdicts:
        row = {"gradb": _of_gradb(verdict)}
        for tool in _TOOLS:
            row[tool] = outcome(tool, verdict.case, said[verdict.case.name][tool])
            whys[tool, said[verdict.case.name][tool].cannot] += 1
        rows.append((verdict.case, row))
        print(f"{verdict.case.name:<52} {row['gradb']:<12} {'  '.join(f'{row[tool]:<14}' for tool in _TOOLS)}".rstrip())
    print(*closing(rows), *_reasons(whys), sep="\n")


def _ask(python: Path, cases: Sequence[Case]) -> dict[str, dict[str, Said]]:
    env = os.environ | {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"}
    words = [str(python), "-m", "tests.gallery.peers.worker", *(case.name for case in cases)]
    done = subprocess.run(words, cwd=_ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: {tool: Said(**one) for tool, one in said.items()} for name, said in answers}


def _of_gradb(verdict: Verdict) -> str:
    if not (verdict.case.findings or verdict.case.hints):
        return "false alarm" if verdict.false else "quiet"
    if verdict.missed:
        return "other" if verdict.false else "missed"
    return "wrong line" if verdict.wrong_line else "caught"


def closing(rows: Sequence[tuple[Case, _Row]]) -> list[str]:
    """Return a line for each tool: what it made of the broken cases, and of the clean ones."""
    lines = []
    for tool in ("gradb", *_TOOLS):
        broken = Counter(row[tool] for case, row in rows if case.findings or case.hints)
        clean = Counter(row[tool] for case, row in rows if not (case.findings or case.hints))
        lines.append(
            f"{tool:<14} of {broken.total()} broken: {_counts(broken)}; of {clean.total()} clean: {_counts(clean)}"
        )
    return lines


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in OUTCOMES if counts[word]) or "none"


def _reasons(whys: Counter[tuple[str, str]]) -> list[str]:
    """Return why tools could not be run, most frequent first."""
    return [f"{tool} cannot run on {count}: {why}" for (tool, why), count in whys.most_common() if why]
