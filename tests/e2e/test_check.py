"""`gradb check` as a user starts it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.gradb_process import ROOT, SCENARIOS, gradb

FORGETS = '''\
"""A training that forgets zero_grad."""
import atexit
import torch

torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(8, 3), torch.randn(8, 1)
atexit.register(print, "an exit function")
try:
    for step in range(50):
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step(){comment}
        print("step", step)
finally:
    print("cleaned up")
'''


@pytest.fixture
def forgets(tmp_path: Path) -> Path:
    """Return the script."""
    path = tmp_path / "forgets.py"
    path.write_text(FORGETS.format(comment=""))
    return path


def test_the_run_is_ended_and_judged(forgets: Path) -> None:
    """Findings alone are on stdout; after the step of the 20th iteration the script does nothing any more."""
    done = gradb("check", "--select", "G004", forgets.name, cwd=forgets.parent)
    assert done.code == 1
    first, *_, count, judged = done.out.splitlines()
    assert re.match(r"forgets\.py:14: G004 .*not cleared", first)
    assert count == "1 finding in 20 iterations; the run was ended after them (--steps N or all goes on)"
    assert judged == "1 rule judged"
    assert done.err.splitlines() == [f"step {step}" for step in range(19)]


def test_files_that_may_be_unfinished_are_named(forgets: Path) -> None:
    """Of a run that was ended; one that came to its end has finished them, and what is gone is not left at all."""
    files = "log = open('losses.txt', 'w')\nopen('part.txt', 'w').close()\nos.remove('part.txt')\n"
    forgets.write_text(forgets.read_text().replace("try:\n", f"import os\n{files}try:\n"))
    said = "gradb: the run was ended, and may have left unfinished what it had opened for writing: losses.txt\n"
    for steps, err in (("3", said), ("60", "")):
        done = gradb("check", "--select", "G005", "--quiet", "--steps", steps, forgets.name, cwd=forgets.parent)
        assert (done.code, done.err) == (0, err)


def test_the_rest_can_be_watched(forgets: Path) -> None:
    """Then the script comes to its end as it would without gradb."""
    done = gradb("check", "--select", "G004", "--steps", "all", "--json", forgets.name, cwd=forgets.parent)
    found = json.loads(done.out)
    assert (done.code, found["exit_code"], found["iterations"], found["watched"]) == (1, 1, 50, [21, 50])
    assert done.err.splitlines()[-2:] == ["cleaned up", "an exit function"]


def test_a_comment_lets_it_be(forgets: Path) -> None:
    """The line's own, in the script as it was run."""
    forgets.write_text(FORGETS.format(comment="  # gradb: ignore[G004]"))
    done = gradb("check", "--select", "G004", "--quiet", "--steps", "5", forgets.name, cwd=forgets.parent)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("nothing found, 1 more let be by a comment in 5 iterations")


def _said(name: str) -> list[str]:
    """Return the codes that the docstring of a scenario says are found in it."""
    text = (SCENARIOS / f"{name}.py").read_text()
    found = re.search(r"^Findings: (.+)$", text.partition('"""')[2].partition('"""')[0], re.MULTILINE)
    return sorted(re.findall(r"G\d+", found[1])) if found else []


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.py")))
def test_what_is_found_in_a_scenario_is_in_its_docstring(name: str) -> None:
    """`Findings: G004` there; a scenario without such a line is clean."""
    done = gradb("check", "--json", "--quiet", f"scenarios/{name}.py", cwd=ROOT)
    assert done.out, done.err
    found = json.loads(done.out)
    assert sorted({finding["code"] for finding in found["findings"]}) == _said(name)
    assert (found["failure"], found["error"]) == (None, None)
    failing = [row for row in found["not_judged"] if "gradb failed" in row["why"]]
    assert failing == []


def test_the_readme_shows_what_is_printed() -> None:
    """To the last line."""
    done = gradb("check", "--quiet", "scenarios/wrong_optimizer.py", cwd=ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("`gradb check scenarios/wrong_optimizer.py` prints\n\n```text\n")[2].partition("```")[0]
    assert done.out.splitlines() == shown.splitlines()


@pytest.mark.parametrize("workload", ["w1_thermometer.py 3", "w1_thermometer.py 3 adam", "w2_mlp.py 3", "w3_gpt.py 1"])
def test_the_trainings_of_the_benchmark_are_clean(workload: str) -> None:
    """Nothing is wrong with them."""
    script, *arguments = workload.split()
    done = gradb("check", "--quiet", "--json", f"tests/bench/workloads/{script}", *arguments, cwd=ROOT)
    found = json.loads(done.out)
    assert (found["findings"], found["exit_code"]) == ([], 0)
