"""Rules about which parameters an optimizer has, each on trainings recorded for real."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gradb.diagnosis.registry import RULES
from tests.diagnosis.judging import codes, verdict, warnings_of

Loss = Callable[[Tensor], Tensor]
Made = tuple[list[torch.optim.Optimizer], Loss]


class Network(nn.Module):
    """Two hidden layers, in a list that is a module or a plain one, and a head."""

    def __init__(self, *, is_plain: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Linear(3, 3), nn.Linear(3, 3)]
        self.layers = layers if is_plain else nn.ModuleList(layers)
        self.head = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one number a row."""
        for layer in self.layers:
            x = torch.tanh(layer(x))
        result: Tensor = self.head(x)
        return result


def _sgd(*parts: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([parameter for part in parts for parameter in part.parameters()], lr=0.01)


def _training(make: Callable[[], Made], iterations: int = 4) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        optimizers, loss = make()
        for _ in range(iterations):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss(torch.randn(4, 3)).backward()
            for optimizer in optimizers:
                optimizer.step()

    return train


def _plain_list() -> Made:
    model = Network(is_plain=True)
    return [_sgd(model)], lambda x: model(x).square().mean()


def _forgotten_decoder() -> Made:
    encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 3)
    return [_sgd(encoder)], lambda x: (decoder(encoder(x)) - x).square().mean()


def _forgotten_bias() -> Made:
    w, b = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    return [torch.optim.SGD([w], lr=0.01)], lambda x: (x @ w + b - 1).square().mean()


def _another_model() -> Made:
    model, model1 = Network(), Network()
    return [_sgd(model)], lambda x: model1(x).square().mean()


def _cut_generator() -> Made:
    generator, critic = nn.Linear(3, 2), nn.Linear(2, 1)
    return [_sgd(generator), _sgd(critic)], lambda x: critic(generator(x).detach()).mean()


def _new_head() -> Made:
    model = Network()
    optimizer = _sgd(model)
    model.head = nn.Linear(3, 1)
    return [optimizer], lambda x: model(x).square().mean()


def _copied() -> Made:
    model = Network()
    optimizer = _sgd(model)
    model = copy.deepcopy(model)
    return [optimizer], lambda x: model(x).square().mean()


def _assigned() -> Made:
    model, other = Network(), Network()
    optimizer = _sgd(model)
    model.load_state_dict(other.state_dict(), assign=True)
    return [optimizer], lambda x: model(x).square().mean()


def _weight_norm() -> Made:
    model = Network()
    optimizer = _sgd(model)
    nn.utils.weight_norm(model.head)
    return [optimizer], lambda x: model(x).square().mean()


def _parametrized() -> Made:
    model = Network()
    optimizer = _sgd(model)
    nn.utils.parametrizations.weight_norm(model.head)
    return [optimizer], lambda x: model(x).square().mean()


def _listed_twice() -> Made:
    model = Network()
    return [_sgd(model, model.head)], lambda x: model(x).square().mean()


@pytest.mark.filterwarnings("ignore:optimizer contains")
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_plain_list, "G001"),
        (_forgotten_decoder, "G001"),
        (_forgotten_bias, "G001"),
        (_another_model, "G002"),
        (_cut_generator, "G002"),
        (_new_head, "G003"),
        (_copied, "G003"),
        (_assigned, "G003"),
        (_weight_norm, "G003"),
        (_parametrized, "G003"),
        (_listed_twice, "G012"),
    ],
)
def test_a_wrong_choice_is_found(make: Callable[[], Made], code: str) -> None:
    """An optimizer that has too few, too many, old or another model's parameters is found, once."""
    assert codes(_training(make)) == [code]


def _frozen() -> Made:
    model = Network()
    model.layers.requires_grad_(False)  # type: ignore[union-attr]
    return [_sgd(model.head)], lambda x: model(x).square().mean()


def _adversarial_input() -> Made:
    model, delta = Network(), torch.zeros(4, 3, requires_grad=True)
    return [torch.optim.SGD([delta], lr=0.01)], lambda x: model(x + delta).mean()


def _adversarial_parameter() -> Made:
    model, delta = Network(), nn.Parameter(torch.zeros(4, 3))
    return [torch.optim.SGD([delta], lr=0.01)], lambda x: model(x + delta).mean()


def _two_optimizers() -> Made:
    generator, critic = nn.Linear(3, 2), nn.Linear(2, 1)
    return [_sgd(generator), _sgd(critic)], lambda x: critic(generator(x)).mean()


def _unused_head() -> Made:
    model, later = nn.Linear(3, 2), nn.Linear(3, 1)
    return [_sgd(model), _sgd(later)], lambda x: model(x).square().mean()


def _tied() -> Made:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    return [torch.optim.SGD(model.parameters(), lr=0.01)], lambda x: model(x).square().mean()


def _made_in_time() -> Made:
    model = Network()
    model.head = nn.Linear(3, 1)
    model = copy.deepcopy(model)
    return [_sgd(model)], lambda x: model(x).square().mean()


@pytest.mark.parametrize(
    "make",
    [_frozen, _adversarial_input, _adversarial_parameter, _two_optimizers, _unused_head, _tied, _made_in_time],
)
def test_a_right_choice_is_not(make: Callable[[], Made]) -> None:
    """Frozen layers, inputs that are optimized, heads for later and tied weights are no faults."""
    assert codes(_training(make)) == []


def test_averages_of_a_model_get_no_gradient() -> None:
    """A teacher that follows by hand is none of the optimizer's, and no gradient reaches it."""

    def train() -> None:
        torch.manual_seed(0)
        model = Network()
        teacher = copy.deepcopy(model)
        optimizer = _sgd(model)
        for _ in range(4):
            optimizer.zero_grad()
            x = torch.randn(4, 3)
            with torch.no_grad():
                wanted = teacher(x)
            (model(x) - wanted).square().mean().backward()
            optimizer.step()
            with torch.no_grad():
                for mean, parameter in zip(teacher.parameters(), model.parameters(), strict=True):
                    mean.mul_(0.9).add_(parameter, alpha=0.1)

    assert codes(train) == []


def test_copied_gradients_belong_to_a_learner_on_purpose() -> None:
    """First-order meta-learning: the learner's gradients are given to the model that the optimizer has."""

    def train() -> None:
        torch.manual_seed(0)
        model, learner = Network(), Network()
        optimizer = _sgd(model)
        for _ in range(4):
            learner.load_state_dict(model.state_dict())
            learner.zero_grad()
            learner(torch.randn(4, 3)).square().mean().backward()
            for mine, theirs in zip(model.parameters(), learner.parameters(), strict=True):
                mine.grad = None if theirs.grad is None else theirs.grad.clone()
            optimizer.step()

    assert codes(train) == []


def test_the_finding_names_both_models_and_the_optimizer() -> None:
    """Whose parameters are stepped, whose are filled, and where the optimizer was made."""
    (found,) = warnings_of(_training(_another_model))
    assert found.message.startswith("SGD steps the 6 parameters of model, which never get a gradient: ")
    assert "backward fills the 6 parameters of model1" in found.message
    assert {name.partition(".")[0] for name in found.tensors} == {"model", "model1"}
    assert found.line == _sgd.__code__.co_firstlineno + 1


def test_one_iteration_is_not_judged() -> None:
    """What happened once may have its reasons."""
    found = verdict(_training(_another_model, iterations=1))
    assert found.findings == ()
    assert dict(found.unjudged)["G002"] == "there are fewer than 2 steps of an optimizer"


class Coder(nn.Module):
    """An encoder and a decoder, with something in between."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 2), nn.Linear(2, 3)
        self.unused = nn.Linear(2, 2)
        self._between = between

    def forward(self, x: Tensor) -> Tensor:
        """Return what is decoded of what is encoded."""
        result: Tensor = self.decoder(self._between(self.encoder(x)))
        return result


def _coded(between: Callable[[Tensor], Tensor]) -> Made:
    model = Coder(between)
    return [_sgd(model)], lambda x: (model(x) - x).square().mean()


def test_an_encoder_that_is_cut_off_is_found() -> None:
    """The loss is computed of its values, and detach() keeps all gradients from it; the cut is named."""
    (found,) = warnings_of(_training(lambda: _coded(lambda code: code.detach())))
    assert found.code == "G002"
    assert set(found.tensors) == {"model.encoder.weight", "model.encoder.bias"}
    assert "detach in line " in found.message
    assert codes(_training(lambda: _coded(lambda code: code + (code.round() - code).detach()))) == []


class Saving(nn.Module):
    """An encoder inside of a reentrant checkpoint, or outside of gradients before it."""

    def __init__(self, *, is_before: bool) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), nn.Linear(2, 3)
        self.is_before = is_before

    def forward(self, x: Tensor) -> Tensor:
        """Return what is decoded of what is encoded."""
        if self.is_before:
            with torch.no_grad():
                x = self.encoder(x)
        inside: Callable[[Tensor], Tensor] = torch.tanh if self.is_before else self.encoder
        result: Tensor = self.decoder(checkpoint(inside, x, use_reentrant=True))
        return result


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("is_before", [False, True])
def test_a_reentrant_checkpoint_that_cuts_is_named(*, is_before: bool) -> None:
    """It computes without gradients, and lets none through where no input requires any; or no_grad is the script's."""

    def make() -> Made:
        model = Saving(is_before=is_before)
        return [_sgd(model)], lambda x: (model(x) - x).square().mean()

    (found,) = warnings_of(_training(make))
    line = Saving.forward.__code__.co_firstlineno
    assert (found.code, set(found.tensors)) == ("G002", {"model.encoder.0.weight", "model.encoder.0.bias"})
    if is_before:
        assert f"but no_grad in line {line + 4} cuts the way back" in found.message
    else:
        assert f"but the checkpoint in line {line + 6} (use_reentrant=True, and no input that requires" in found.message
        assert "no_grad" not in found.message
        assert found.steps[0].text == "the checkpoint cuts the graph"


class Twice(nn.Module):
    """A network that cuts the way back to two of its parts, in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 1)
        self.aside, self.scale = nn.Linear(3, 3), nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return one number a row."""
        hidden = self.first(x).relu()
        with torch.no_grad():
            hidden = hidden + self.aside(hidden)
        result: Tensor = self.last(hidden) * self.scale.detach()
        return result


def _cut_twice() -> Made:
    model = Twice()
    return [_sgd(model)], lambda x: model(x).square().mean()


def test_each_parameter_is_told_with_its_own_cut() -> None:
    """What one line cuts off is not said to be cut off by another, and the parameters are counted of how many."""
    (found,) = warnings_of(_training(_cut_twice))
    line = Twice.forward.__code__.co_firstlineno
    assert found.code == "G002"
    assert " has 5 of the 7 parameters of model, which never get a gradient" in found.message
    assert f"detach in line {line + 5} cuts the way back to model.scale" in found.message
    assert f"no_grad in line {line + 4} cuts the way back to model.first.weight, " in found.message
    assert [step.text for step in found.steps[:2]] == ["no_grad cuts the graph", "detach cuts the graph"]


class Shadowed(nn.Module):
    """A layer that computes with the numbers of its weight, past autograd."""

    def __init__(self, *, is_logged: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.zeros(2))
        self.is_logged = is_logged
        self.logged: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x W + b``, or ``x + b`` with W only looked at."""
        if self.is_logged:
            self.logged.append((x.detach() @ self.weight.data).mean())
            return x[:, :2] + self.bias
        return x @ self.weight.data + self.bias


def _shadowed(*, is_logged: bool = False, is_frozen: bool = False) -> Made:
    torch.manual_seed(0)
    model = Shadowed(is_logged=is_logged)
    model.weight.requires_grad_(not is_frozen)
    return [_sgd(model)], lambda x: model(x).square().mean()


def test_a_parameter_used_through_data_is_found() -> None:
    """The loss is computed of its numbers, and no gradient can come to it; the line is named."""
    (found,) = warnings_of(_training(_shadowed))
    assert found.code == "G002"
    assert found.tensors == ("model.weight",)
    line = Shadowed.forward.__code__.co_firstlineno + 5
    assert f".data in line {line} cuts the way back" in found.message


def test_a_parameter_looked_at_through_data_is_not() -> None:
    """Its numbers are logged, or it is frozen on purpose."""
    assert codes(_training(lambda: _shadowed(is_logged=True))) == []
    assert codes(_training(lambda: _shadowed(is_frozen=True))) == []


def test_an_unused_layer_is_a_hint() -> None:
    """Of a layer that forward() never calls no loss is computed: that may be meant."""
    found = verdict(_training(lambda: _coded(lambda code: code), iterations=6)).findings
    assert [finding.code for finding in found] == ["G054"]
    assert set(found[0].tensors) == {"model.unused.weight", "model.unused.bias"}


def test_unused_parameters_are_named_however_many_they_are() -> None:
    """Of a model that is used otherwise: how many of its parameters, and which come first."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 1)
            self.scales = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(6))

    def make() -> Made:
        model = Scaled()
        return [_sgd(model)], lambda x: model.head(x).square().mean()

    (found,) = verdict(_training(make, iterations=6)).findings
    assert found.code == "G054"
    assert found.message.startswith("6 of the 8 parameters of model (model.scales.0, model.scales.1")


def test_a_parameter_read_as_a_number_is_a_hint() -> None:
    """Autograd does not follow numbers, and neither can gradb: it does not say that no loss is computed of it."""
    model, scale = nn.Linear(3, 1), nn.Parameter(torch.ones(()))

    def make() -> Made:
        both = torch.optim.SGD([*model.parameters(), scale], lr=0.01)
        return [both], lambda x: (model(x) * scale.item()).square().mean()

    (found,) = verdict(_training(make, iterations=6)).findings
    assert found.code == "G054"
    assert "no op that autograd knows of led from it to a loss" in found.message
    assert "item()" in RULES["G054"].meaning
