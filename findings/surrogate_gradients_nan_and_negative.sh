#!/usr/bin/env bash
# With: snntorch 1.0.0 with torch 2.13.0
# Guess: a surrogate gradient of a spike is finite and never below 0, as the derivative of a step that was smoothed.
# Seen: that of surrogate.sigmoid (slope 25) is NaN at a membrane of 3.6 below the threshold and further, and that of
#   surrogate.triangular is 1 below the threshold and -1 above it. fast_sigmoid and atan are as guessed.
# Matters: One strongly inhibited neuron makes weights NaN; with triangular, neurons that fire are pushed the wrong way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from snntorch import surrogate

membrane = torch.tensor([-10.0, -3.6, -1.0, -0.1, 0.1, 1.0], requires_grad=True)
found = {}
for name in ("sigmoid", "triangular", "fast_sigmoid", "atan"):
    spikes = getattr(surrogate, name)()(membrane)
    assert spikes.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    found[name] = torch.autograd.grad(spikes.sum(), membrane)[0]
    print(f"{name:13}", [float(f"{entry:.3g}") for entry in found[name].tolist()])
assert found["sigmoid"].isnan().tolist() == [True, True, False, False, False, False]
assert found["triangular"].tolist() == [1.0, 1.0, 1.0, 1.0, -1.0, -1.0]
assert all((found[name] > 0).all() for name in ("fast_sigmoid", "atan"))
PY
