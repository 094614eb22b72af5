#!/usr/bin/env bash
# With: torchsummary 1.5.1, torchinfo 1.8.0 with torch 2.13.0
# Guess: printing a summary of a model leaves it, and the random numbers after it, as they were.
# Seen: torchsummary runs two random samples through the model in the mode it is in: in training mode, which a new model
#   is in, each batch norm takes a tenth of its statistics from that noise and counts a batch, and the global generator
#   moves on. torchinfo runs in eval mode and leaves the statistics; its sample moves the generator too.
# Matters: A script that prints a summary trains another model than one that does not, and a fine-tuning begins with
#   statistics of noise in its pretrained batch norms.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchsummary==1.5.1 torchinfo==1.8.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io

import torch
import torchinfo
import torchsummary
from torch import nn


def left_alone(look):
    """Return which entries of the state a look has changed, and whether the generator is where it was."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    before, generator = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    with contextlib.redirect_stdout(io.StringIO()):
        look(model)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert model.training
    return changed, torch.equal(torch.get_rng_state(), generator)


old = left_alone(lambda model: torchsummary.summary(model, (3, 8, 8), device="cpu"))
new = left_alone(lambda model: torchinfo.summary(model, (2, 3, 8, 8), verbose=0))
print("torchsummary: changed", sorted(old[0]), "generator as it was:", old[1])
print("torchinfo:    changed", sorted(new[0]), "generator as it was:", new[1])
assert old == ({"1.running_mean", "1.running_var", "1.num_batches_tracked"}, False)
assert new == (set(), False)
PY
