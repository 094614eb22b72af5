#!/usr/bin/env bash
# With: kornia 0.8.2, geoopt 0.5.1 with torch 2.13.0
# Guess: conversions of rotations and exponential maps are smooth at the identity, where poses start, and are written so
#   that their gradients are finite there.
# Seen: the values are right, and the gradients of kornia's axis_angle_to_quaternion, quaternion_to_axis_angle,
#   rotation_matrix_to_axis_angle and quaternion_exp_to_log and of geoopt's Sphere().expmap are NaN: the branch that is
#   not taken sends its NaN too. axis_angle_to_rotation_matrix and geoopt's PoincareBall().expmap are finite.
#   rgb_to_hls of a grey pixel has a gradient of 1e8, where rgb_to_hsv and rgb_to_lab have small ones.
# Matters: A pose that starts at the identity is NaN after one step.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 kornia==0.8.2 geoopt==0.5.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import geoopt
import torch
from kornia import color
from kornia.geometry import conversions

still, identity = torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0, 0.0]])
point = torch.tensor([[1.0, 0.0, 0.0]])
cases = {
    "axis_angle_to_quaternion": (conversions.axis_angle_to_quaternion, still, True),
    "quaternion_to_axis_angle": (conversions.quaternion_to_axis_angle, identity, True),
    "rotation_matrix_to_axis_angle": (conversions.rotation_matrix_to_axis_angle, torch.eye(3)[None], True),
    "quaternion_exp_to_log": (conversions.quaternion_exp_to_log, identity, True),
    "Sphere().expmap": (lambda step: geoopt.Sphere().expmap(point, step), still, True),
    "axis_angle_to_rotation_matrix": (conversions.axis_angle_to_rotation_matrix, still, False),
    "PoincareBall().expmap": (lambda step: geoopt.PoincareBall().expmap(point / 2, step), still, False),
}
for name, (function, at, broken) in cases.items():
    x = at.clone().requires_grad_()
    value = function(x)
    value.sum().backward()
    near = (at + 1e-3 * torch.tensor([0.3, 0.5, 0.7, 0.2])[: at.shape[-1]]).requires_grad_()
    if name != "rotation_matrix_to_axis_angle":
        function(near).sum().backward()
        assert near.grad.isfinite().all()
    print(f"{name:30} {value.flatten().tolist()} gradient {x.grad.flatten().tolist()}")
    assert value.isfinite().all()
    assert x.grad.isnan().any() == broken

for name in ("rgb_to_hls", "rgb_to_hsv", "rgb_to_lab"):
    grey = torch.full((1, 3, 1, 1), 0.5, requires_grad=True)
    getattr(color, name)(grey).sum().backward()
    print(f"{name} of a grey pixel: gradient {grey.grad.flatten().tolist()}")
    assert (grey.grad.abs().max() > 1e7) == (name == "rgb_to_hls")
PY
