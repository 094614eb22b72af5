#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: to read layer.weight, or to print its norm, changes nothing.
# Seen: in training mode each read of a weight under parametrizations.spectral_norm runs one more step of its power
#   iteration and keeps it: a layer that was read twice gives other outputs than its copy. In eval mode it does not.
# Matters: A training that logs its weights is another training than one that does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import copy

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(0)
layer, batch = spectral_norm(nn.Linear(4, 4)), torch.randn(1, 4)


def parted(training):
    left, read = copy.deepcopy(layer).train(training), copy.deepcopy(layer).train(training)
    read.weight.norm()
    read.weight.norm()
    return (left(batch) - read(batch)).abs().max().item()


print("after two reads, outputs apart by", parted(True), "in training mode,", parted(False), "in eval mode")
assert parted(True) > 1e-5
assert parted(False) == 0
PY
