#!/usr/bin/env bash
# With: torchsde 0.2.6 with torch 2.13.0
# Guess: after torch.manual_seed two calls of sdeint give one path.
# Seen: they do not: its Brownian motion takes its seed from the global generator of NumPy. After numpy.random.seed they
#   do, whatever torch was seeded with.
# Matters: A script that seeds torch alone gives another loss at each run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchsde==0.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy
import torch
import torchsde
from torch import nn


class Decay(nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def f(self, t, y):
        return -y

    def g(self, t, y):
        return 0.1 * torch.ones_like(y)


def end(torch_seed, numpy_seed=None):
    torch.manual_seed(torch_seed)
    if numpy_seed is not None:
        numpy.random.seed(numpy_seed)
    return torchsde.sdeint(Decay(), torch.ones(1, 3), torch.tensor([0.0, 1.0]), dt=0.1)[-1]


alone, again, both, other = end(0), end(0), end(0, 1), end(5, 1)
print("torch seeded alike", alone.tolist(), again.tolist())
print("numpy seeded alike", both.tolist(), other.tolist())
assert not torch.equal(alone, again)
assert torch.equal(both, other)
PY
