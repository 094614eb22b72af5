"""Training from the command line: the zero_grad policy, learning rates, seeds and depths on whole scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.frame.training import Training
from tests.e2e.gradb_process import SCENARIOS, SCRIPTS, Done, bare, gradb


@pytest.fixture(scope="module")
def zero_grad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the scenario that ends after 400 of its 5,000 iterations: by then all has happened."""
    folder = tmp_path_factory.mktemp("short")
    told = _copy(folder / "told.py", SCENARIOS / "zero_grad.py", "iteration % 1000 ==", "iteration % 400 ==")
    return _copy(folder / "zero_grad.py", told, "5001", "401")


def _copy(path: Path, script: Path, old: str, new: str) -> Path:
    """Write a script in which one text is another."""
    text = script.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return path


def _training(path: Path) -> Training:
    """Return what a tape says of the training at its end."""
    with Tape.open(path) as tape:
        return tape.frame(tape.head).training


def _without_zero_grad(folder: Path, script: Path) -> Path:
    """Return a copy of the scenario whose call of zero_grad is deleted."""
    return _copy(folder / "deleted.py", script, "    optimizer.zero_grad()\n", "")


def _losses(done: Done) -> list[float]:
    """Return the losses that the scenario printed."""
    assert done.code == 0, done.err
    return [float(line.rpartition(" ")[2]) for line in done.out.splitlines()]


@pytest.fixture(scope="module")
def plain(zero_grad: Path) -> Done:
    """Return the run of the scenario without gradb."""
    return bare(zero_grad)


@pytest.fixture(scope="module")
def off(zero_grad: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """Return the run of the scenario with zero_grad switched off, and its tape."""
    tape = tmp_path_factory.mktemp("off") / "off.tape"
    return gradb("record", "--record", "watch", "--zero-grad", "off", "-o", tape, zero_grad), tape


def test_off_ends_in_nan(off: tuple[Done, Path]) -> None:
    """Without zero_grad the loss becomes NaN and stays so."""
    losses = _losses(off[0])
    assert losses[0] == pytest.approx(3352.918)
    assert all(loss != loss for loss in losses[1:])
    assert len(losses) == 2


def test_off_is_the_script_with_the_line_deleted(off: tuple[Done, Path], zero_grad: Path, tmp_path: Path) -> None:
    """It prints to the last digit what the script without its call prints."""
    assert off[0].out == bare(_without_zero_grad(tmp_path, zero_grad)).out


def test_training_pane_of_a_run_that_was_switched_off(off: tuple[Done, Path]) -> None:
    """As JSON: the series, the intervention, how many calls it cost, and where the first infinity is."""
    done = gradb("show", "--pane", "training", "--json", off[1])
    assert done.code == 0, done.err
    view = json.loads(done.out)
    assert view["iterations"] == 400
    assert [(one["what"], one["value"], one["iteration"]) for one in view["interventions"]] == [("zero_grad", "off", 1)]
    assert (view["policy"]["value"], view["policy"]["count"]) == ("off", 400)
    (loss,) = [one for one in view["series"] if one["kind"] == "loss"]
    assert loss["name"] == "loss"
    assert len(loss["points"]) == 400
    assert {"grad_norm", "learning_rate", "suppressed"} <= {one["kind"] for one in view["series"]}
    first = view["first_nonfinite"]
    assert first["series"].startswith("loss")
    values = {iteration: value for iteration, _, value in loss["points"]}
    assert isinstance(values[first["iteration"]], str)
    assert all(isinstance(values[iteration], float) for iteration in range(1, first["iteration"]))


def test_as_written_the_loss_falls(plain: Done, zero_grad: Path, tmp_path: Path) -> None:
    """`--zero-grad script` is the bare script: the loss falls fortyfold."""
    done = gradb("record", "--record", "watch", "--zero-grad", "script", "-o", tmp_path / "run.tape", zero_grad)
    assert done == plain
    first, last = _losses(done)
    assert last < first / 40
    training = _training(tmp_path / "run.tape")
    assert [mark.what for mark in training.marks] == ["record"]
    assert training.first_nonfinite is None
    assert training.seed is None


def test_on_makes_up_for_a_line_that_was_deleted(plain: Done, zero_grad: Path, tmp_path: Path) -> None:
    """The script without its call, under `on`, prints what the scenario prints."""
    script = _without_zero_grad(tmp_path, zero_grad)
    done = gradb("record", "--record", "watch", "--zero-grad", "on", "-o", tmp_path / "run.tape", script)
    assert done == plain


def test_switching_at_an_iteration(zero_grad: Path, tmp_path: Path) -> None:
    """off@120 with everything recorded around it: NaN in the end, stale buffers from the switch on."""
    tape = tmp_path / "run.tape"
    words = ("--zero-grad", "off@120", "--record", "full@118-122")
    losses = _losses(gradb("record", *words, "-o", tape, zero_grad))
    assert losses[-1] != losses[-1]
    training = _training(tape)
    assert [mark.iteration for mark in training.marks if mark.what == "zero_grad"] == [120]
    assert training.first_nonfinite is not None
    assert training.first_nonfinite.iteration > 120
    with Tape.open(tape) as run:
        stale = {
            event.iteration: [buffer.is_stale for buffer in run.frame(event.seq).grads]
            for event in run.events()
            if event.kind == "backward_start"
        }
        kinds = {event.kind for event in run.events() if event.iteration not in range(118, 123)}
    assert stale == {118: [False] * 4, 119: [False] * 4, 120: [True] * 4, 121: [True] * 4, 122: [True] * 4}
    assert not kinds & {"op", "node", "accumulate"}


def test_learning_rate_from_the_command_line(zero_grad: Path, tmp_path: Path) -> None:
    """With a rate of nothing from the second iteration on the first step is the only one that moves anything."""
    tape = tmp_path / "run.tape"
    done = gradb("record", "--record", "watch", "--lr", "0@2", "-o", tape, zero_grad)
    losses = _losses(done)
    assert len(set(losses[1:])) == 1
    (rate,) = [one for one in _training(tape).series if one.kind == "learning_rate"]
    assert list(rate.values[:3]) == [0.001, 0, 0]


def test_a_seed_makes_runs_equal(tmp_path: Path) -> None:
    """Two runs with one seed print the same, another seed prints something else, and the tape knows its seed."""
    printed = {}
    for name, seed in (("one", "3"), ("two", "3"), ("other", "4")):
        done = gradb("record", "--seed", seed, "-o", tmp_path / f"{name}.tape", "train_from_unseeded.py")
        assert done.code == 0, done.err
        printed[name] = done.out
        assert _training(tmp_path / f"{name}.tape").seed == int(seed)
    assert printed["one"] == printed["two"] != printed["other"]


@pytest.mark.parametrize("depth", ["full", "watch"])
def test_a_script_that_never_trains(depth: str, tmp_path: Path) -> None:
    """It runs as ever; the pane has no steps to show, and says so in words."""
    tape = tmp_path / "run.tape"
    words = ("--record", depth, "--zero-grad", "off", "--lr", "1")
    assert gradb("record", *words, "-o", tape, "needs_no_torch.py") == bare("needs_no_torch.py")
    assert _training(tape).series == ()
    shown = gradb("show", "--pane", "training", tape)
    assert (shown.code, shown.err) == (0, "")
    assert "no loss" in shown.out


@pytest.mark.parametrize("depth", ["full", "watch"])
def test_a_loss_that_is_not_a_scalar(depth: str, tmp_path: Path) -> None:
    """Rows with a gradient given train; without one torch raises, as it does bare, and the tape keeps the error."""
    tape = tmp_path / "run.tape"
    done, plain = gradb("record", "--record", depth, "-o", tape, "train_vector_loss.py"), bare("train_vector_loss.py")
    assert done.code == plain.code == 1
    assert done.out == plain.out
    assert "scalar" in done.err
    assert _training(tape).losses == ()
    with Tape.open(tape) as run:
        assert "RuntimeError" in {event.name for event in run.events() if event.kind == "error"}


@pytest.fixture(scope="module")
def nothing_to_do() -> Done:
    """Return what the script leaves without gradb."""
    return bare("train_nothing.py")


@pytest.mark.parametrize("words", [(), ("--record", "watch"), ("--zero-grad", "on", "--lr", "0.5")], ids=str)
def test_optimizers_with_nothing_to_do(words: tuple[str, ...], tmp_path: Path, nothing_to_do: Done) -> None:
    """No parameters, or none with a gradient: the same as bare, under policies too."""
    tape = tmp_path / "run.tape"
    assert gradb("record", *words, "-o", tape, "train_nothing.py") == nothing_to_do
    assert gradb("show", "--pane", "training", tape).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--zero-grad", "sideways"),
        ("--zero-grad", "off@abc"),
        ("--zero-grad", "off@0"),
        ("--lr", "fast"),
        ("--lr", "-1"),
        ("--record", "deep"),
        ("--record", "full@9-3"),
        ("--seed", "x"),
    ],
    ids=" ".join,
)
def test_bad_words_are_one_sentence(words: tuple[str, str], tmp_path: Path) -> None:
    """What cannot be meant ends with exit code 2 before the script runs."""
    done = gradb("record", *words, "-o", tmp_path / "run.tape", SCRIPTS / "train_nothing.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert words[0] in done.err
    assert not (tmp_path / "run.tape").exists()


def test_an_iteration_past_the_end_changes_nothing(tmp_path: Path) -> None:
    """off@99 on a script of two iterations is the script as written."""
    done = gradb("record", "--zero-grad", "off@99", "-o", tmp_path / "run.tape", SCENARIOS / "mlp.py")
    assert done == bare(SCENARIOS / "mlp.py")
    assert _training(tmp_path / "run.tape").marks == ()
