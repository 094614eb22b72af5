#!/usr/bin/env bash
# With: geoopt 0.5.1 with torch 2.13.0
# Guess: the distance of a point of a sphere to itself is 0, or a rounding of it.
# Seen: in float32 it is 0.0141, and so is that to every point nearer than that; the gradient of all of these is 0. Two
#   opposite points are 3.1274 apart, and get no gradient either. In float64 it is 0.00045. PoincareBall has 0.
# Matters: A loss of such distances stops at 0.014 a pair and trains no further.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 geoopt==0.5.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import geoopt
import torch

for dtype, floor in ((torch.float32, 0.0141), (torch.float64, 0.00045)):
    sphere = geoopt.Sphere()
    point = torch.tensor([1.0, 0.0, 0.0], dtype=dtype)
    for angle in (0.0, floor / 2, 0.1, torch.pi):
        turned = torch.tensor(angle, dtype=dtype, requires_grad=True)
        other = torch.stack([turned.cos(), turned.sin(), 0 * turned])
        distance = sphere.dist(point, other)
        gradient = torch.autograd.grad(distance, turned)[0].item()
        print(f"{dtype} angle {angle:.6f}: distance {distance.item():.6f}, gradient {gradient:.4f}")
        if angle == 0.1:
            assert abs(distance.item() - angle) < 1e-3 and abs(gradient - 1) < 1e-2
        else:
            assert abs(distance.item() - (floor if angle < 1 else torch.pi - floor)) < 0.02 * floor and gradient == 0
ball = geoopt.PoincareBall()
assert ball.dist(torch.tensor([0.1, 0.2]), torch.tensor([0.1, 0.2])) == 0
PY
