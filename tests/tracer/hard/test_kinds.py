"""Tensors that are no plain float32, scaled losses, casts, views, and regions that gradb does not see into."""

from __future__ import annotations

import pytest

from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.backward_start import BackwardStartDetail
from tests.tracer.hard.seeing import see

pytestmark = pytest.mark.torch


def test_the_scale_of_a_grad_scaler_is_named() -> None:
    """The backward begins from loss times scale, and each gradient is said to be that much larger."""
    seen = see("scaled")
    assert seen.headline(seen.at("backward", "backward_start")) == "backward begins from (loss × scale)"
    product = seen.chain(seen.at("MulBackward0"))
    assert "× local ∂(loss × scale)/∂loss = scale 1024 (for every element)" in product
    below = seen.chain(seen.at("MmBackward0"))
    assert "∂(loss × scale)/∂out [[1024]]" in below
    assert "each gradient is scale times that of loss until GradScaler unscales" in below


def test_unscaling_is_not_called_clearing() -> None:
    """GradScaler divides the buffers: 3072 and 4096 by 1024 are 3 and 4, which is a change, no clearing."""
    seen = see("scaled")
    position = seen.at("unscale", "grad_change")
    assert seen.headline(position) == "GradScaler divided w's .grad by the scale: norm 5120 → 5"
    text = to_text(PANES["grads"].render(seen.tape.frame(position), Options(width=100)), 100)
    assert "changed" in text
    assert "cleared" not in text
    assert "[[3 4]]" in text


def test_casts_are_told_with_their_dtypes() -> None:
    """Those of the script and those that an op made under autocast are told apart."""
    seen = see("scaled")
    asked, automatic = (seen.chain(seen.at("ToCopyBackward0", nth=nth)) for nth in (0, 1))
    assert "a cast from bfloat16 to float32: the gradient comes in float32 and leaves in bfloat16" in asked
    assert "autocast" not in asked
    assert "a cast from float32 to bfloat16" in automatic
    assert "the op did it by itself, as under autocast" in automatic


def test_complex_gradients_state_their_convention() -> None:
    """z·z* has the gradient 2z by PyTorch's convention, and the pane says that factors are conjugated."""
    seen = see("dtypes")
    text = seen.chain(seen.at("MulBackward0"))
    assert "complex numbers: upstream is multiplied by the conjugate" in text
    assert "∂power/∂z [2+4j 6-2j]" in seen.chain(seen.at("z", "accumulate"))


def test_each_input_gets_its_gradient_in_its_own_dtype() -> None:
    """A product of float64 and bfloat16: 1.5 exactly, and 0.1 rounded to bfloat16."""
    seen = see("dtypes")
    chain = seen.tape.frame(seen.at("MulBackward0", nth=1)).chain
    assert chain is not None
    sent = [edge.downstream for edge in chain.edges]
    assert [(one.dtype, one.numbers()) for one in sent if one is not None] == [
        ("float64", [1.5]),
        ("bfloat16", [0.10009765625]),
    ]
    assert all(edge.check is not None and edge.check.is_ok for edge in chain.edges)


def test_a_sparse_gradient_is_said_to_be_sparse() -> None:
    """Three looked-up rows, one of them twice: shown dense, with what is stored."""
    seen = see("dtypes")
    text = seen.chain(seen.at("EmbeddingBackward0"))
    assert "[2 2]] (sparse_coo, 3 entries stored; shown dense)" in text


def test_a_nested_tensor_is_said_not_to_be_read() -> None:
    """No shape and no values are made up for it; what comes out of it is read again."""
    seen = see("dtypes")
    text = seen.chain(seen.at("MulBackward0", nth=2))
    assert "float32, a tensor of shape (2, j" in text
    assert "is not read: it is nested" in text
    assert "scalar float32" not in text
    assert "∂L/∂s [2 2]" in seen.chain(seen.at("CatBackward0"))


def test_a_view_written_in_place() -> None:
    """CopySlices in words, with 3 where the view was multiplied and 1 elsewhere."""
    seen = see("inplace_views")
    text = seen.chain(seen.at("CopySlices"))
    assert "∂b/∂base = 1 outside of the view, inside it that of the op [3 3 1 1] (elementwise)" in text
    assert "= downstream ∂L/∂base [3 3 1 1] ✓ agrees with the engine" in text
    assert "an op wrote into a view, so the whole base got this node as its new grad_fn" in text
    assert "AsStridedBackward0" in seen.chain(seen.at("AsStridedBackward0", "op"))


def test_a_recurrent_layer_is_one_node_and_says_so() -> None:
    """All time steps of an LSTM's layer are inside of it."""
    seen = see("rnn")
    text = seen.chain(seen.at("MkldnnRnnLayerBackward0"))
    assert "one node for a recurrent layer in one direction: all its time steps are inside" in text
    assert "%" not in seen.headline(seen.at("MkldnnRnnLayerBackward0", "op"))


def test_transforms_are_said_not_to_be_seen_where_they_are_called() -> None:
    """A note at the line of each call; the node that vmap made is not ascribed to another call."""
    seen = see("transforms")
    grad, vmap = seen.having(lambda event: event.kind == "note")
    assert seen.chain(grad).strip() == "torch.func transforms (grad) run here: what they compute is not recorded"
    assert "(vmap)" in seen.chain(vmap)
    source = to_text(PANES["source"].render(seen.tape.frame(vmap), Options(width=100)), 100)
    assert any("▶" in line and "torch.func.vmap" in line for line in source.splitlines())
    text = seen.chain(seen.at("MulBackward0"))
    assert "the forward call that made this node was not recorded" in text
    assert "doubled.sum()" not in text
    assert "[2 2] ✓ agrees with the engine" in text


def test_a_compiled_region_is_one_node_and_its_own_tracing_is_no_backward() -> None:
    """The script calls backward once, and so does the tape."""
    seen = see("compiled")
    starts = seen.having(lambda event: event.kind == "backward_start")
    assert len(starts) == 1
    detail = seen.tape.detail(starts[0])
    assert isinstance(detail, BackwardStartDetail)
    assert detail.call == "backward"
    text = seen.chain(seen.at("CompiledFunctionBackward"))
    assert "a region that torch.compile made one node of: what happens inside of it is not seen" in text
