#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: sinc is smooth, so its gradient near 0 is about -pi^2 x / 3, to the digits of the dtype.
# Seen: in float32 it is wrong by more than half around 0.0001 (three times too large at 0.0001 itself), and exactly 0
#   from 0.00001 down; in float64 it is off by a third at 1e-8. The value is right: only the formula of the gradient
#   subtracts two numbers that are nearly equal.
# Matters: Filters that are made of sinc with a learned cut-off have taps near 0 whose gradients are rounding; a check
#   of that node by another formula fails there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import math

import torch


def relative_errors(dtype, low, high):
    at = torch.logspace(low, high, 101, dtype=torch.float64).to(dtype).requires_grad_()
    torch.sinc(at).sum().backward()
    exact = -(math.pi**2) * at.detach().double() / 3  # the next term is smaller by a factor of 1e-6 and less
    for x, seen, wanted in list(zip(at.tolist(), at.grad.tolist(), exact.tolist()))[::50]:
        print(f"{str(dtype):14} at {x:.2e}: {seen:+.3e}, exact {wanted:+.3e}")
    return ((at.grad.double() - exact) / exact).abs()


assert relative_errors(torch.float32, -4.5, -3.5).max() > 0.5
assert relative_errors(torch.float32, -9.0, -5.0).max() > 0.5
assert relative_errors(torch.float64, -5.0, -4.0).max() < 1e-4
assert relative_errors(torch.float64, -8.5, -7.5).max() > 0.2
PY
