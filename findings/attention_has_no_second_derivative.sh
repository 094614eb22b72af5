#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: scaled_dot_product_attention can be differentiated twice, as LSTM and GRU can.
# Seen: autograd.grad with create_graph=True succeeds, and the backward of its result raises: the derivative of the
#   flash attention backward for the CPU is not implemented. With SDPBackend.MATH chosen it works.
# Matters: A gradient penalty on a transformer fails only at its second backward.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


def twice(x):
    gradient, = torch.autograd.grad(F.scaled_dot_product_attention(x, x, x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()


x = torch.randn(1, 2, 3, 4, requires_grad=True)
try:
    twice(x)
except RuntimeError as error:
    print("default:", str(error).splitlines()[0])
else:
    raise SystemExit("the default kernel can be differentiated twice")
with sdpa_kernel(SDPBackend.MATH):
    twice(x)
print("math kernel: fine")
PY
