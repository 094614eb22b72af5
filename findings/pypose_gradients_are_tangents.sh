#!/usr/bin/env bash
# With: pypose 0.9.5 with torch 2.13.0
# Guess: the gradient by the four numbers of an SO3 quaternion is that of the function of them, and the derivative of the
#   numbers of Exp(v) by v is that of finite differences.
# Seen: it is the gradient in the tangent space, three numbers and a 0, and the derivative of Exp(v).tensor()[2] is twice
#   the true one and more. Through Exp(v) @ point both errors cancel, and the gradient by v is right.
# Matters: A loss on the numbers of a quaternion, as their difference from a target, trains along another direction.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 pypose==0.9.5
"$folder/venv/bin/python" -W ignore - <<'PY'
import pypose
import torch

v = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64, requires_grad=True)
point = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)


def number(v):
    return pypose.so3(v).Exp().tensor()[2]


def moved(v):
    return (pypose.so3(v).Exp() @ point)[2]


def errors(function):
    """Return the gradient by v, and by central differences."""
    gradient, step, at = torch.autograd.grad(function(v), v)[0], 1e-6, v.detach()
    units = torch.eye(3, dtype=torch.float64) * step
    return gradient, torch.stack([(function(at + unit) - function(at - unit)) / (2 * step) for unit in units])


for function in (number, moved):
    gradient, true = errors(function)
    print(function.__name__, "gradient", gradient.tolist(), "differences", true.tolist())
    assert torch.allclose(gradient, true, rtol=1e-5) == (function is moved)
quaternion = pypose.so3(v.detach()).Exp().requires_grad_()
by_numbers = torch.autograd.grad((quaternion @ point)[0], quaternion)[0]
print("by the four numbers", by_numbers.tolist())
assert by_numbers.tolist()[3] == 0.0
PY
