"""What stands between the cases and the other tools, which are not needed here."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from tests.e2e.gradb_process import ROOT, bare
from tests.gallery.cases import Case
from tests.gallery.peers import loops, worker
from tests.gallery.peers.claims import outcome
from tests.gallery.peers.comparison import closing
from tests.gallery.peers.said import Said
from tests.gallery.peers.subject import subject
from tests.gallery.peers.turns import Turns

pytestmark = pytest.mark.e2e

_TRAINING = """
import torch
from torch import nn

{before}
model = nn.Linear(2, 1)
other = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
x = torch.ones(3, 2)
turns = []
for i in range(3):
    turns.append(i)
    optimizer.zero_grad()
    with torch.enable_grad():
        loss = model(x).sum()
    loss.backward()
    second = 2 * model(x).sum()
    second.backward()
    optimizer.step()
    scheduler.step()
    loss = loss * 0
    loss.backward
"""

_FUNCTION = """
import torch

def train(w):
    h = w * 1
    for i in range(2):
        h = h.detach() + w
        h.backward()
    return h

w = torch.ones((), requires_grad=True)
out = train(w)
"""


def _script(folder: Path, text: str) -> Path:
    path = folder / "train.py"
    path.write_text(text)
    return path


def _counted(path: Path, most: int = 20) -> tuple[int, int]:
    """Count in a new process: once torch's engine has threads, no backward runs in a process that is forked."""
    done = bare("-m", "tests.gallery.peers.count", str(path), str(most), cwd=ROOT)
    assert done.code == 0, done.err
    turns, first = map(int, done.out.split())
    return turns, first


def _training(folder: Path) -> Path:
    return _script(folder, _TRAINING.format(before=""))


def test_a_forward_sums_what_the_backwards_before_the_step_begin_from(tmp_path: Path) -> None:
    """Called as a tool calls it, the forward steps nothing and clears nothing."""
    seen: list[tuple[float, float]] = []

    def turn(at: loops.Turn) -> None:
        with torch.no_grad():
            seen.append((float(at.forward()), 3 * float(at.scope["model"](at.scope["x"]).sum())))

    space = loops.run(_training(tmp_path), turn)
    assert len(seen) == 3
    assert all(said == pytest.approx(right) for said, right in seen)
    assert len({said for said, _ in seen}) == 3  # the script's own steps have come in between
    assert space["turns"] == [0, 0, 1, 1, 2, 2]  # the forward is the body, and runs it once more


def test_a_loop_in_a_function_keeps_its_variables(tmp_path: Path) -> None:
    """What the forward binds is bound for the loop too, as if it stood there."""
    found: list[float] = []
    space = loops.run(_script(tmp_path, _FUNCTION), lambda at: found.append(at.forward().item()))
    assert found == [2.0, 4.0]  # each forward adds w once more, as the loop itself does
    assert space["out"].item() == 5.0


def test_says_where_there_is_no_loop(tmp_path: Path) -> None:
    """A script whose backward is in no loop, or in a closure inside of one, has none for a tool."""
    closure = "for i in range(2):\n    def closure():\n        loss.backward()\n    optimizer.step(closure)\n"
    for text in ("import torch\ntorch.ones((), requires_grad=True).backward()\n", closure):
        with pytest.raises(LookupError):
            loops.run(_script(tmp_path, text), lambda at: None)


def test_prefers_the_loop_in_which_something_is_stepped(tmp_path: Path) -> None:
    """A loop that only looks at gradients comes first in the script, and is no training."""
    looking = "for i in range(5):\n    torch.ones((), requires_grad=True).backward()\n"
    assert _counted(_script(tmp_path, _TRAINING.format(before=looking))) == (3, 1)


def test_takes_the_turns_of_one_optimizer(tmp_path: Path) -> None:
    """Where the script makes another optimizer in the loop, it is another training from there on."""
    text = _TRAINING.format(before="").replace(
        "    scheduler.step()\n", "    if i == 1:\n        optimizer = other_one\n"
    )
    other = "other_one = torch.optim.SGD(other.parameters(), lr=0.1)\nturns = []"
    assert _counted(_script(tmp_path, text.replace("turns = []", other))) == (2, 1)


def test_finds_the_model_and_the_optimizer(tmp_path: Path) -> None:
    """A model that neither a loss nor an optimizer reaches is none of those that a tool is asked about."""
    found = []
    loops.run(_training(tmp_path), lambda at: found.append((subject(at), at.scope)))
    first, scope = found[0]
    assert first.model is first.first_model is scope["model"]
    assert first.optimizers == [scope["optimizer"]]
    assert first.scaler is None


def test_takes_turns(tmp_path: Path) -> None:
    """Each step lets the script go on by one iteration."""
    path = _training(tmp_path)
    assert _counted(path) == (3, 1)
    turns = Turns(path)
    assert _counted(path, 2) == (2, 1)
    at = turns.begin()
    weights = [at.scope["model"].weight.sum().item()]
    for _ in range(3):
        assert float(turns.step()) == 0.0
        weights.append(at.scope["model"].weight.sum().item())
    assert len(set(weights)) == 4


def _sleep(path: Path) -> Said:
    time.sleep(30)
    return Said()


def _fail(path: Path) -> Said:
    raise ZeroDivisionError("by the tool")


def test_gives_up_a_tool_that_takes_too_long_or_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tool cannot do is told, and the next question is asked."""
    monkeypatch.setattr(worker, "_PATIENCE", 0.2)
    case = _case()
    assert worker.ask(case, _sleep) == Said(cannot="no answer in 0 s")
    monkeypatch.setattr(worker, "_PATIENCE", 30.0)
    assert worker.ask(case, _fail) == Said(cannot="ZeroDivisionError: by the tool")
    assert worker.ask(case, lambda path: Said(("a",), (3,))) == Said(("a",), (3,))


def _case(*findings: str, lines: tuple[int, ...] = (), may: tuple[str, ...] = ()) -> Case:
    return Case("broken/one", Path("one.py"), "", findings, (), may, lines, "")


@pytest.mark.parametrize(
    ("case", "said", "expected"),
    [
        (_case("G012"), Said(("w: in 'a', 'b': updated 2 times per step",)), "caught"),
        (_case("G012"), Said(("w: gradient is zero everywhere",)), "other"),
        (_case("G012"), Said(), "missed"),
        (_case("G012"), Said(cannot="no loop"), "cannot run"),
        (_case("G016", lines=(7,)), Said(("loss is not finite",), (8,)), "wrong line"),
        (_case("G016", lines=(7,)), Said(("loss is not finite",), (8, 7)), "caught"),
        (_case("G016", lines=(7,)), Said(("loss is not finite",)), "caught"),
        (_case(), Said(), "quiet"),
        (_case(), Said(("w: gradient is zero everywhere",)), "false alarm"),
        (_case(may=("G051",)), Said(("w: gradient is zero everywhere",)), "quiet"),
    ],
)
def test_holds_what_is_said_to_the_case(case: Case, said: Said, expected: str) -> None:
    """A tool has caught a fault where one of its sentences names it."""
    assert outcome("pytest-torch", case, said) == expected


def test_counts_broken_and_clean_cases_apart() -> None:
    """The closing lines say of each tool what it made of both."""
    tools = ("gradb", "detect_anomaly", "guardtower", "sherlorch", "pytest-torch")
    rows = [
        (_case("G012"), dict.fromkeys(tools, "caught")),
        (_case("G012"), dict.fromkeys(tools, "missed")),
        (_case(), dict.fromkeys(tools, "quiet")),
    ]
    assert closing(rows)[0].split() == "gradb of 2 broken: 1 caught, 1 missed; of 1 clean: 1 quiet".split()
