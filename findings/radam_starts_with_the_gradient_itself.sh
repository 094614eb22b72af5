#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: RAdam's first steps are of about lr or smaller, as Adam's are, whatever the scale of the gradient: the
#   rectification is a warmup.
# Seen: its first five steps are lr times the mean gradient, divided by nothing: with lr = 0.001 and a gradient of 10,000
#   each of them is 10. The sixth, the first that is rectified, is 0.00003. Adam's and NAdam's first step is 0.001.
# Matters: A loss that is a sum, or a scale that Adam does not care about, throws the weights away within five steps, and
#   what is seen later is a training of steps of 0.00003 that cannot bring them back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch


def steps(optimizer_class, gradient):
    """Return by how much each of the first six steps lowers a weight under a constant gradient."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = optimizer_class([weight], lr=0.001)
    made = []
    for _ in range(6):
        before = weight.item()
        weight.grad = torch.full((1,), gradient)
        optimizer.step()
        made.append(before - weight.item())
    return made


for gradient in (1.0, 100.0, 10000.0):
    radam, adam = steps(torch.optim.RAdam, gradient), steps(torch.optim.Adam, gradient)
    print(f"gradient {gradient:7.0f}: RAdam {[round(step, 5) for step in radam]}  Adam {[round(step, 5) for step in adam]}")
    assert all(abs(step - 0.001 * gradient) < 1e-3 * gradient * 0.01 for step in radam[:5])
    assert radam[5] < 0.0001
    assert all(abs(step - 0.001) < 1e-5 for step in adam)
assert abs(steps(torch.optim.NAdam, 10000.0)[0]) < 0.002
PY
