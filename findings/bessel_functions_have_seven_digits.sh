#!/usr/bin/env bash
# With: torch 2.13.0 (and the same in 2.14.1)
# Guess: torch.special.bessel_j0, j1, y0 and y1 of float64 are good to about 1e-15, as sin and cos are.
# Seen: between about 2.8 and 14 they are off by up to 8e-7; below and above they are good to 1e-12.
# Matters: Finite differences of them are worthless there: an error of 3e-7 over a step of 1e-6 is 0.3. Since 2.15 they
#   can be differentiated, and gradcheck fails at points where the derivative is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 mpmath==1.3.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import mpmath
import torch

true = {"bessel_j0": (mpmath.besselj, 0), "bessel_j1": (mpmath.besselj, 1),
        "bessel_y0": (mpmath.bessely, 0), "bessel_y1": (mpmath.bessely, 1)}
for name, (function, order) in true.items():
    points = torch.arange(1, 400, dtype=torch.float64) / 16
    values = getattr(torch.special, name)(points).tolist()
    errors = {x: abs(value - float(function(order, x))) for x, value in zip(points.tolist(), values)}
    off = [x for x, error in errors.items() if error > 1e-12]
    print(f"{name}: off by up to {max(errors.values()):.1e}, by more than 1e-12 from {min(off)} to {max(off)}")
    assert 1e-7 < max(errors.values()) < 1e-6 and 2.5 < min(off) < 3 and 14 <= max(off) < 15.5
seven = torch.special.bessel_j1(torch.tensor(7.0, dtype=torch.float64)).item()
print("J1(7):", seven, "is", float(mpmath.besselj(1, 7)))
assert 2.5e-8 < abs(seven - float(mpmath.besselj(1, 7))) < 2.7e-8
PY
