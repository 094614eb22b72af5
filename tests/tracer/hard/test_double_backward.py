"""The graph of a gradient, and gradients that autograd.grad returns."""

from __future__ import annotations

import pytest

from gradb.present.json.values import chain_json
from tests.tracer.hard.seeing import see

pytestmark = pytest.mark.torch


def test_the_graph_of_a_gradient_is_shown_once_grad_has_returned() -> None:
    """After grad(create_graph=True) the graph pane shows the nodes that backward made, with the gradient's name."""
    seen = see("double_backward")
    graph = seen.graph(seen.at("torch.autograd.grad", "op"))
    assert graph.splitlines()[0].split() == ["▶", "┌", "·", "MulBackward0", "g", "[2]"]
    assert "PowBackward0" in graph
    assert "SumBackward0" not in graph


def test_without_create_graph_no_graph_of_the_gradient_is_claimed() -> None:
    """The second gradient has no graph: the pane goes on to show the one it came from."""
    seen = see("double_backward")
    assert seen.graph(seen.at("torch.autograd.grad", "op", 1)).splitlines()[0].split()[1:3] == ["●", "SumBackward0"]


def test_the_first_and_the_second_derivative_of_a_cube() -> None:
    """x**3 at 2 and 3: 3x² = 12 and 27, then 3 times 2x = 12 and 18; every product agrees with the engine."""
    seen = see("double_backward")
    first = seen.chain(seen.at("PowBackward0"))
    assert "∂result/∂x = 3·x^2 [12 27]" in first
    factor = seen.chain(seen.at("MulBackward1"))
    assert "× local ∂result/∂input = other 3 (for every element)" in factor
    second = seen.chain(seen.at("PowBackward0", nth=1))
    assert "upstream ∂L/∂result [3 3]" in second
    assert "[4 6] (elementwise) = downstream ∂L/∂x [12 18] ✓ agrees with the engine" in second


def test_a_node_of_the_gradients_graph_says_whose_derivative_it_is_part_of() -> None:
    """It was made while the backward of another node ran, which is named with its call."""
    seen = see("double_backward")
    position = seen.at("PowBackward0", nth=1)
    assert "made by backward (create_graph): part of the derivative of PowBackward0 (x ** 3)" in seen.chain(position)
    record = chain_json(seen.tape.frame(position).chain)
    assert record is not None
    assert record["remarks"] == [{"kind": "made_by", "text": "PowBackward0"}]


def test_grad_is_said_to_fill_no_buffer() -> None:
    """autograd.grad returns what it computed: the head line says so and the call names what it was given."""
    seen = see("grad_inputs")
    assert seen.headline(seen.at("grad", "backward_end")) == "the engine returned the gradients: no .grad was filled"
    assert "torch.autograd.grad((·), (a, c)" in seen.headline(seen.at("torch.autograd.grad", "op"))
    assert all(buffer.after is None for buffer in seen.tape.frame(seen.tape.head).grads)


def test_an_input_that_was_not_asked_for_gets_nothing() -> None:
    """Of a product's two edges only the one to the input that was asked for sends a gradient."""
    text = see("grad_inputs").chain(see("grad_inputs").at("MulBackward0"))
    assert "= downstream ∂L/∂a [3 4]" in text
    assert "= downstream ∂L/∂b None: this backward was not asked for it" in text
    assert "not checked: this backward was not asked for this gradient" in text
