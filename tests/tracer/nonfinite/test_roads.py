"""Roads: from a birth over forward, backward, steps and iterations to where it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from gradb.diagnosis.nonfinite import lasting, traffic
from gradb.diagnosis.nonfinite.folding import Fold, folded
from gradb.frame.reader import Tape
from tests.tracer.nonfinite.explaining import explained, nothing, recorded

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

F, T = torch.nn.functional, torch.tensor
NAN, INF = float("nan"), float("inf")


def test_over_a_step_into_the_next_iterations(tmp_path: Path) -> None:
    """A parameter that is NaN for long is followed from step to step to the gradient that made it so."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for iteration in range(6):
            optimizer.zero_grad()
            x = (w - w.detach()) if iteration == 2 else w
            x.abs().sqrt().sum().backward() if iteration == 2 else (x * x).sum().backward()
            optimizer.step()

    tape = recorded(tmp_path, run)
    last = max(event.seq for event in tape.events() if event.kind == "step")
    found = explained(tape, at=last)
    assert found.births[0].call == "SqrtBackward0"
    assert found.births[0].iteration == 3
    steps = [step.iteration for step in found.road if step.kind == "step"]
    assert steps == [3, 4, 5, 6]
    assert [step.event for step in found.road] == sorted(step.event for step in found.road)
    assert "accumulate" in {step.kind for step in found.road}


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_through_a_checkpoint(use_reentrant: bool, tmp_path: Path) -> None:
    """What a checkpoint computes again is part of the road, and the node in it that made the NaN is its birth."""

    def run() -> None:
        x = T([4.0, 0.0], requires_grad=True)
        y = checkpoint(lambda t: t.sqrt() * T([1.0, 0.0]), x * 1, use_reentrant=use_reentrant)
        (y.sum() * 2).backward()

    found = explained(recorded(tmp_path, run))
    assert found.births[0].call == "SqrtBackward0"
    assert found.births[0].element == (1,)
    assert found.here.startswith("x.grad is 1 of 2 nan")


def test_through_a_custom_backward(tmp_path: Path) -> None:
    """Of a custom Function the op in its backward that did it is named, by its line."""

    class Root(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.sqrt()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            made: torch.Tensor = grad * (0.5 / x.sqrt())
            return made

    def run() -> None:
        x = T([4.0, 0.0], requires_grad=True)
        (Root.apply(x) * T([1.0, 0.0])).sum().backward()  # type: ignore[no-untyped-call]

    infinity, nan = explained(recorded(tmp_path, run)).births
    assert (infinity.what, infinity.reason.code if infinity.reason else "") == ("inf", "divide-by-zero")
    assert (nan.what, nan.reason.code if nan.reason else "") == ("nan", "zero-times-inf")
    assert nan.call == "Tensor.mul"


def test_through_a_double_backward(tmp_path: Path) -> None:
    """A node that a backward made is told by what it saved."""

    def run() -> None:
        x = T([4.0, 0.0], requires_grad=True)
        (grad,) = torch.autograd.grad((x**1.5).sum(), x, create_graph=True)
        (grad * T([1.0, 0.0])).sum().backward()

    born = explained(recorded(tmp_path, run)).births[0]
    assert born.call == "PowBackward0"
    assert born.reason is not None
    assert born.reason.code == "local-derivative"


def test_by_what_autograd_grad_returned(tmp_path: Path) -> None:
    """A gradient that ``autograd.grad`` returned leads back into its backward."""

    def run() -> torch.Tensor:
        x = T([4.0, 0.0], requires_grad=True)
        (grad,) = torch.autograd.grad(x.sqrt(), x, T([1.0, 0.0]))
        return grad * 2

    found = explained(recorded(tmp_path, run))
    assert found.births[0].call == "SqrtBackward0"
    assert {"node", "op"} == {step.kind for step in found.road}


def test_by_a_hook(tmp_path: Path) -> None:
    """A hook that returns a NaN is where it was born."""

    def run() -> None:
        x = T([4.0, 1.0], requires_grad=True)
        y = x * 2
        y.register_hook(lambda grad: grad / 0 * 0)
        y.sum().backward()

    found = explained(recorded(tmp_path, run))
    assert found.births[-1].what == "nan"
    assert "hook" in found.births[-1].call or found.births[-1].call == "Tensor.mul"


def test_by_a_gradient_that_was_clipped(tmp_path: Path) -> None:
    """Clipping by a norm that is NaN makes every gradient NaN: the road goes on to the one that was so before."""

    def run() -> None:
        a, b = T([4.0, 0.0], requires_grad=True), T([1.0], requires_grad=True)
        ((a.sqrt() * T([1.0, 0.0])).sum() + b.sum()).backward()
        torch.nn.utils.clip_grad_norm_([b, a], 1.0)
        torch.optim.SGD([b], lr=0.1).step()

    found = explained(recorded(tmp_path, run))
    assert found.births[0].call == "SqrtBackward0"
    assert "grad_change" in {step.kind for step in found.road}


def test_data_from_outside(tmp_path: Path) -> None:
    """Data that arrives with a NaN is told by where it was first seen, and its first row."""
    data = torch.ones(20, 3)
    data[17, 1] = NAN

    def run() -> None:
        model = nn.Linear(3, 1)
        model(data).mean().backward()

    born = explained(recorded(tmp_path, run)).births[0]
    assert (born.kind, born.element, born.counts) == ("outside", (17, 1), "1 of 60 nan")
    assert born.name == "data"


def test_a_change_without_an_event(tmp_path: Path) -> None:
    """What NumPy wrote is not recorded: it is told between which events it came."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        (w * 2).sum().backward()
        w.detach().numpy()[1] = NAN
        (w * 3).sum().backward()

    born = explained(recorded(tmp_path, run)).births[0]
    assert born.kind == "unrecorded"
    assert born.element == (1,)
    assert 0 < born.since < born.event


def test_uninitialised_memory(tmp_path: Path) -> None:
    """What was made of memory that nobody wrote to is said to be that."""
    torch.use_deterministic_algorithms(True)  # has torch fill such memory with NaN
    try:
        tape = recorded(tmp_path, lambda: torch.empty(4) * torch.ones(4, requires_grad=True))
    finally:
        torch.use_deterministic_algorithms(False)
    assert explained(tape).births[0].kind == "blank"


def test_a_mask_that_does_no_harm(tmp_path: Path) -> None:
    """A causal mask of -inf is wanted: nothing is born there."""

    def run() -> None:
        scores = torch.randn(3, 4, 4, requires_grad=True)
        mask = torch.ones(4, 4).tril() == 0
        scores.masked_fill(mask, -INF).softmax(-1).sum().backward()

    told = nothing(recorded(tmp_path, run))
    assert told.is_sure
    assert "given as it is" in told.text


def test_everything_finite(tmp_path: Path) -> None:
    """Nothing is found where all is finite, and that is sure."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        (w * w).sum().backward()

    told = nothing(recorded(tmp_path, run))
    assert told.is_sure
    assert told.text == "no NaN or infinity is on the tape"


class Block(nn.Module):
    """Half of a layer of a GPT."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.is_planted = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend and think."""
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        scores = q @ k.transpose(-2, -1)
        if self.is_planted:
            scores = scores.masked_fill(torch.arange(scores.shape[-2])[:, None] == 1, -INF)
        mask = torch.ones(x.shape[1], x.shape[1]).tril() == 0
        x = x + self.out(scores.masked_fill(mask, -INF).softmax(-1) @ v)
        made: torch.Tensor = x + self.mlp(x)
        return made


def test_in_a_gpt(tmp_path: Path) -> None:
    """A row that layer 2 masks at iteration 3 is found from the loss, through the layers above it."""

    def run() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Embedding(11, 8), *(Block(8) for _ in range(12)), nn.Linear(8, 11))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        tokens = torch.randint(0, 11, (2, 6))
        for iteration in range(4):
            model[3].is_planted = iteration == 2  # type: ignore[assignment]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
            loss.backward()
            optimizer.step()

    found = explained(recorded(tmp_path, run))
    given, born = found.births
    assert (given.kind, given.what) == ("given", "-inf")
    assert (born.iteration, born.scope, born.reason.code if born.reason else "") == (3, "3", "masked-row")
    assert found.here.startswith("loss is nan")
    assert len(found.road) > 30
    rows = folded(found.road)
    assert len(rows) < 20
    assert any(isinstance(row, Fold) and "ops of" in row.text for row in rows)


@pytest.mark.parametrize("is_cleared", [True, False])
def test_what_led_to_it(is_cleared: bool, tmp_path: Path) -> None:
    """A training that diverges is told by its growth, and by gradients never cleared where that is so."""

    def run() -> None:
        torch.manual_seed(0)
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=9.0 if is_cleared else 0.5)
        x, y = torch.randn(8, 2), torch.randn(8)
        for _ in range(1200):
            if is_cleared:
                optimizer.zero_grad()
            loss = F.mse_loss(model(x).squeeze(1) * 3, y)
            loss.backward()
            optimizer.step()
            if not torch.isfinite(loss):
                break

    told = " ".join(explained(recorded(tmp_path, run)).prelude)
    assert "the gradient norm grew from" in told
    assert ("was never cleared" in told) is not is_cleared
    assert ("the learning rate was 9" in told) is is_cleared


@pytest.mark.parametrize("rate", [0.1, 1e21])
def test_a_step_that_leapt(rate: float, tmp_path: Path) -> None:
    """A step that moved a parameter by orders of magnitude is told with its rate, and the numbers are the script's."""
    seen: list[float] = []

    def run() -> None:
        torch.manual_seed(0)
        model = nn.Linear(4, 1, bias=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        x, y = torch.randn(16, 4), torch.randn(16, 1)
        for iteration in range(4):
            optimizer.zero_grad()
            optimizer.param_groups[0]["lr"] = rate if iteration == 2 else 0.1
            loss = F.mse_loss(model(x), y) * (INF if rate < 1 and iteration == 3 else 1)
            loss.backward()
            before = model.weight.abs().max().item()
            optimizer.step()
            if iteration == 2:
                seen.extend((before, model.weight.abs().max().item()))

    told = explained(recorded(tmp_path, run)).prelude
    if rate < 1:
        assert told == ()
        return
    (clause,) = told
    assert clause.startswith("the SGD step of iteration 3 (test_roads.py:")
    assert "learning rate 1e+21) took the largest number of model.weight from" in clause
    was, made = clause.rpartition(" from ")[2].split(" to ")
    assert (float(was), float(made)) == pytest.approx(seen, rel=1e-3)


def test_a_step_of_many_parameters_that_leapt(tmp_path: Path) -> None:
    """Of several parameters the one that the birth read is named, and the others are counted."""

    def run() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e25)
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.ones(3, 4) * torch.arange(4)).square().mean().backward()
            optimizer.step()

    (clause,) = explained(recorded(tmp_path, run)).prelude
    assert "took the largest number of model.1.weight from 1 to" in clause
    assert clause.endswith("one of 6 parameters that grew a thousandfold or more in it")


def test_what_led_to_it_in_one_of_two_models(tmp_path: Path) -> None:
    """The gradients of the model that diverges are looked at, though another, which is cleared, has stepped since."""

    def run() -> None:
        models = []
        for _ in range(2):
            torch.manual_seed(0)
            models.append(nn.Linear(2, 1))
        optimizers = [torch.optim.SGD(model.parameters(), lr=0.5) for model in models]
        x, y = torch.randn(8, 2), torch.randn(8)
        for _ in range(1200):
            optimizers[0].zero_grad()
            for model, optimizer in zip(models, optimizers, strict=True):
                loss = F.mse_loss(model(x).squeeze(1) * 3, y)
                loss.backward()
                optimizer.step()
            if not torch.isfinite(loss):
                break

    told = " ".join(explained(recorded(tmp_path, run)).prelude)
    assert "was never cleared" in told
    assert "no gradient was left over" not in told


def test_a_nan_among_masked_elements_of_a_large_tensor(tmp_path: Path) -> None:
    """Where a NaN and wanted infinities are in one tensor of which statistics are kept, the NaN is followed."""

    def run() -> None:
        x = torch.ones(3, 40, 40, requires_grad=True)
        odd = torch.where(torch.arange(40) == 7, -x, x).sqrt()
        scores = odd.masked_fill(torch.ones(40, 40).tril() == 0, -INF) * 2
        scores.softmax(-1).sum().backward()

    found = explained(recorded(tmp_path, run))
    assert found.births[0].call.endswith("sqrt")
    assert found.births[0].what == "nan"


def test_running_statistics_are_no_reason(tmp_path: Path) -> None:
    """What a batch norm wrote into its running statistics is not what it read: the road goes to the data."""
    data = torch.ones(8, 3)
    data[5, 1] = NAN

    def run() -> None:
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        for rows in ([0, 1, 2, 3], [4, 5, 6, 7]):
            model(data[rows]).sum().backward()

    born = explained(recorded(tmp_path, run)).births[0]
    assert (born.kind, born.name, born.element) == ("outside", "data", (5, 1))


def test_a_jump_is_no_growth(tmp_path: Path) -> None:
    """A loss that is large all at once has not grown over iterations: only the step that leapt is told."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1e-6)
        for scale in (1.0, 1.0, 1.0, 1.0, 1e8, 1e38):
            optimizer.zero_grad()
            loss = (w * scale).square().sum()
            loss.backward()
            optimizer.step()

    (clause,) = explained(recorded(tmp_path, run)).prelude
    assert "step of iteration 5" in clause
    assert "grew" not in clause


@pytest.mark.parametrize("is_swapped", [False, True])
def test_of_a_sum_the_part_that_has_it(is_swapped: bool, tmp_path: Path) -> None:
    """Of what was added up, the road is that of the part whose own element is not finite."""
    first, second = (1, 0) if is_swapped else (0, 1)

    def run() -> None:
        w = torch.zeros(2, requires_grad=True)
        torch.hypot(w[first], w[second]).backward()

    tape = recorded(tmp_path, run)
    found = explained(tape)
    sent = [traffic.made(tape.origins, step.event)[0].value.numbers() for step in found.road if "Select" in step.text]
    assert len(sent) == 1
    assert sent[0] is not None
    assert found.road[-1].text.endswith("followed at [0]")
    assert torch.tensor(sent[0]).isnan().tolist() == [True, False]


def test_born_in_a_step(tmp_path: Path) -> None:
    """What the optimizer read at the element is told, and on what it depends that Adam divides by 0."""

    def run() -> None:
        w = torch.ones(2, dtype=torch.float16, requires_grad=True)
        optimizer = torch.optim.Adam([w], lr=0.1)
        (w * T([1.0, 0.0], dtype=torch.float16)).sum().backward()
        optimizer.step()

    (born,) = explained(recorded(tmp_path, run)).births
    assert (born.call, born.element) == ("Adam.step", (1,))
    assert born.inputs == (("w[1] before it", "1 (float16)"), ("w.grad[1]", "0 (float16)"))
    assert born.reason is not None
    assert born.reason.text.startswith("its gradient there is 0, it was 1, dtype float16: where all gradients so far")
    assert "1e-8 is 0 in float16" in born.reason.text


def test_born_in_a_step_of_a_gradient_too_large(tmp_path: Path) -> None:
    """Where no reason is known the numbers are told: no word of eps."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1e30)
        (w * T([1.0, 1e20])).sum().backward()
        optimizer.step()

    (born,) = explained(recorded(tmp_path, run)).births
    assert (born.call, born.element, born.reason) == ("SGD.step", (1,), None)
    assert born.inputs == (("w[1] before it", "2 (float32)"), ("w.grad[1]", "1e+20 (float32)"))


def test_what_a_hook_was_given(tmp_path: Path) -> None:
    """The gradient before a hook that made an infinity is told at that element."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        y = w * T([1.0, 3.0])
        y.register_hook(lambda grad: grad / T([1.0, 0.0]))
        (y * T([1.0, 5.0])).sum().backward()

    born = explained(recorded(tmp_path, run)).births[0]
    assert born.call.startswith("the hook")
    assert born.inputs == (("the gradient[1] before it", "5 (float32)"),)


def test_the_first_that_reached_a_gradient_comes_before_a_later_one(tmp_path: Path) -> None:
    """Of several births that have nothing to do with each other, that of the first gradient is told."""

    def run() -> None:
        w = torch.ones(2, requires_grad=True)
        torch.acos(w).sum().backward()
        _ = torch.zeros(2) / torch.zeros(2)

    found = explained(recorded(tmp_path, run))
    assert (found.births[0].call, found.births[0].what) == ("AcosBackward0", "-inf")
    assert found.here == "w.grad is 2 of 2 -inf"


def test_what_a_scaler_skips_a_step_for_comes_not_first(tmp_path: Path) -> None:
    """A gradient that overflows under a loss scale is what the scaler looks for; what else is wrong is told."""

    def run() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
        scaler.scale((w * 100).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        _ = torch.zeros(2) / torch.zeros(2)

    assert explained(recorded(tmp_path, run)).births[0].call == "Tensor.div"


def test_a_hook_that_puts_another_gradient_there(tmp_path: Path) -> None:
    """A hook that runs after a gradient was added is where it was born, and what it found is told."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)

        def divides(leaf: torch.Tensor) -> None:
            assert leaf.grad is not None
            leaf.grad = leaf.grad / 0

        w.register_post_accumulate_grad_hook(divides)
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w * w).sum().backward()
        optimizer.step()

    (born,) = explained(recorded(tmp_path, run)).births
    assert born.kind == "birth"
    assert "divides" in born.call
    assert born.name == "w.grad"
    assert born.inputs == (("w.grad[0] before it", "2 (float32)"),)


def test_a_gradient_that_is_used_by_hand_leads_into_the_backward(tmp_path: Path) -> None:
    """A gradient that the script subtracts itself came from the backward, and not from outside."""

    def run() -> None:
        w = T([1.0, 0.0], requires_grad=True)
        for _ in range(4):
            w.abs().sqrt().sum().mul(0.0).backward()
            with torch.no_grad():
                w -= 0.1 * w.grad  # type: ignore[operator]
            w.grad = None

    found = explained(recorded(tmp_path, run), iteration=4)
    assert (found.births[-1].call, found.births[-1].kind) == ("SqrtBackward0", "birth")


def _long(tmp_path: Path, update: str) -> Tape:
    """Record 40 iterations of which the fourth makes a gradient NaN."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for iteration in range(40):
            x = (w - w.detach()) if iteration == 3 else w
            x.abs().sqrt().sum().backward() if iteration == 3 else (x * x).sum().backward()
            if update == "step":
                optimizer.step()
            else:
                with torch.no_grad():
                    w.sub_(0.1 * w.grad)  # type: ignore[operator]
                    w.mul_(0.99)
            w.grad = None

    return recorded(tmp_path, run)


@pytest.mark.parametrize(("update", "count"), [("step", 34), ("by hand", 70)])
def test_a_parameter_that_is_nan_for_long_is_not_followed_update_by_update(
    tmp_path: Path, update: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is passed over is told with its number, and the rest of the road is that of following each update."""
    tape = _long(tmp_path, update)
    last = max(event.seq for event in tape.events() if event.kind == "backward_start")
    found = explained(tape, at=last)
    passed = [step.lasting for step in found.road if step.lasting is not None]
    assert [one.count for one in passed] == [count]
    monkeypatch.setattr(lasting, "since", lambda origins, made: None)
    followed = explained(tape, at=last)
    assert found.births == followed.births
    assert found.births[0].call == "SqrtBackward0"
    between = [step.event for step in followed.road if passed[0].first <= step.event <= passed[0].last]
    assert len(between) == count
    assert (between[0], between[-1]) == (passed[0].first, passed[0].last)
    assert [step.event for step in found.road] == [step.event for step in followed.road if step.event not in between]
    rows = folded(found.road)
    fold = next(row for row in rows if isinstance(row, Fold))
    assert fold.text.startswith(f"it stays so through {count} ")


def test_a_parameter_that_was_repaired_is_followed_to_where_it_became_nan_again(tmp_path: Path) -> None:
    """What is NaN between two repairs is the value that is looked up, and not an older one."""

    def run() -> None:
        w = T([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for iteration in range(60):
            x = (w - w.detach()) if iteration in {3, 30} else w
            x.abs().sqrt().sum().backward() if iteration in {3, 30} else (x * x).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            if iteration == 25:
                with torch.no_grad():
                    w.nan_to_num_(1.0)

    tape = recorded(tmp_path, run)
    found = explained(tape, at=max(event.seq for event in tape.events() if event.kind == "backward_start"))
    assert found.births[0].iteration == 31


def test_a_norm_that_overflows_is_told_as_that(tmp_path: Path) -> None:
    """Where all was recorded, and all elements are finite, nobody was only watching."""

    def run() -> None:
        w = torch.zeros(3000, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1e-307)
        (w * 1e307).sum().backward()
        optimizer.step()

    tape = recorded(tmp_path, run)
    assert [one.kind for one in tape.series if one.first_nonfinite is not None] == ["grad_norm"]
    found = nothing(tape)
    assert found.is_sure
    assert found.onset is None
    assert "the gradient norm of SGD was inf in iteration 1" in found.text
    assert "overflows" in found.text
