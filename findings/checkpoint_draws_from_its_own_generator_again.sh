#!/usr/bin/env bash
# With: torch 2.13.0, numpy 2.2.6
# Guess: torch.utils.checkpoint runs its function again with the random numbers of the first run (preserve_rng_state is
#   True by default), so the gradients are those without a checkpoint.
# Seen: for numbers of the global generator they are. Those of a torch.Generator of one's own and of NumPy are drawn
#   anew: the loss is the same, the gradient is that of other noise, reentrant or not, and no error is raised.
# Matters: A dropout or noise layer that is seeded by a generator of its own, as for exact repeats, trains along gradients
#   that do not belong to its loss as soon as its block is checkpointed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def source_of(kind):
    """Return a function that draws twelve numbers from one kind of generator, freshly seeded."""
    own, array = torch.Generator().manual_seed(3), numpy.random.default_rng(3)
    torch.manual_seed(3)
    return {
        "global": lambda: torch.rand(3, 4),
        "own": lambda: torch.rand(3, 4, generator=own),
        "numpy": lambda: torch.from_numpy(array.random((3, 4), dtype="float32")),
    }[kind]


def loss_and_gradient(kind, through):
    torch.manual_seed(0)
    layer, inputs = nn.Linear(4, 4), torch.randn(3, 4, requires_grad=True)
    draw = source_of(kind)
    loss = through(lambda x: (layer(x) * draw()).sin(), inputs).sum()
    loss.backward()
    return loss.item(), layer.weight.grad


for kind in ("global", "own", "numpy"):
    loss, gradient = loss_and_gradient(kind, lambda function, x: function(x))
    for reentrant in (False, True):
        other_loss, other = loss_and_gradient(kind, lambda function, x: checkpoint(function, x, use_reentrant=reentrant))
        apart = ((other - gradient).norm() / gradient.norm()).item()
        print(f"{kind:7} use_reentrant={reentrant!s:6} loss {loss:.6f} and {other_loss:.6f}, gradients {apart:.3f} apart")
        assert loss == other_loss
        assert apart == 0 if kind == "global" else apart > 0.1
PY
