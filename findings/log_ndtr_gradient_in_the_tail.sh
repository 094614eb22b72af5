#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: log_ndtr is there for the tail, so its derivatives are as good as its value: about -x, and a second one of -1.
# Seen: the value is right. In float32 the gradient at -500 is 495.7, at -10,000 it is 64,926 and from about -1,000,000 on
#   0; the second derivative at -80 is -0.39 and at -88 positive. In float64 the gradient at -1e10 is infinite. The
#   derivative of erfcx, 2 x erfcx(x) - 2 / sqrt(pi), cancels likewise: at 500 it is 5 % off, at 10,000 it is 0.
# Matters: A probit or censored loss far from its data goes the wrong way while its value is right, and Newton steps on
#   it turn around from 88 standard deviations on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.special import erfcx, log_ndtr


def derivatives(function, at, dtype):
    x = torch.tensor(at, dtype=dtype, requires_grad=True)
    value = function(x)
    first = torch.autograd.grad(value, x, create_graph=True)[0]
    return value.item(), first.item(), torch.autograd.grad(first, x)[0].item()


for dtype in (torch.float32, torch.float64):
    for at in (-5.0, -80.0, -88.0, -500.0, -1e4, -1e6, -1e10):
        value, first, second = derivatives(log_ndtr, at, dtype)
        print(f"log_ndtr({at:.6g}) {dtype}: value {value:.6g} first {first:.6g} second {second:.4g}")
for at in (5.0, 500.0, 1e4):
    value, first, _ = derivatives(erfcx, at, torch.float32)
    print(f"erfcx({at:.6g}) float32: value {value:.6g} first {first:.6g}")

tail = {at: derivatives(log_ndtr, at, torch.float32) for at in (-80.0, -88.0, -500.0, -1e4, -1e6)}
assert all(abs(value / (-at * at / 2) - 1) < 0.01 for at, (value, _, _) in tail.items())
assert abs(tail[-80.0][2] + 1) > 0.5 and tail[-88.0][2] > 0
assert 490 < tail[-500.0][1] < 499 and tail[-1e4][1] > 5e4 and tail[-1e6][1] == 0
usual = derivatives(log_ndtr, -80.0, torch.float64)
assert abs(usual[1] - 80) < 0.1 and abs(usual[2] + 1) < 0.01
assert derivatives(log_ndtr, -1e10, torch.float64)[1] == float("inf")
assert abs(derivatives(erfcx, 500.0, torch.float32)[1] / -2.2567e-6 - 1) > 0.03
assert derivatives(erfcx, 1e4, torch.float32)[1] == 0
PY
