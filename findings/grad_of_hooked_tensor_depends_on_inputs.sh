#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: autograd.grad returns for y what y's hooks made of its gradient, whatever else is asked for.
# Seen: asked for y alone, a hook that multiplies by ten is in the result (30); asked for y and for the x below it,
#   it is not (3), while x has it (60).
# Matters: The same derivative, asked for in two ways, is two numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch


def gradients(*names):
    x = torch.ones(1, requires_grad=True)
    y = x * 2
    y.register_hook(lambda gradient: gradient * 10)
    tensors = {"x": x, "y": y}
    return [g.item() for g in torch.autograd.grad(y * 3, [tensors[name] for name in names])]


print("y:", gradients("y"), "y, x:", gradients("y", "x"))
assert gradients("y") == [30.0]
assert gradients("y", "x") == [3.0, 60.0]
PY
