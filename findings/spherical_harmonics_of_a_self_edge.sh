#!/usr/bin/env bash
# With: e3nn 0.6.0 with torch 2.13.0
# Guess: the spherical harmonics of an edge of length 0 with normalize=True, which has no direction, are those of degree 0
#   alone, with a gradient of 0 or NaN.
# Seen: the values are as guessed, 0.2821 and zeros. The gradient by the vector is 4.9e11: the vector is divided by its
#   length or 1e-12. With normalize=False it is 0.4886. Nothing is NaN or infinite, so no check of that kind sees it.
# Matters: One atom that is its own neighbour, or two at one place, gives forces of 1e11 beside forces of 1, and clipping
#   by the norm then sets all others to nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 e3nn==0.6.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from e3nn import o3


def harmonics(vector, normalize):
    """Return the harmonics of degrees 0 to 2 of a vector, and the gradient of their sum."""
    vector = torch.tensor([vector], requires_grad=True)
    values = o3.spherical_harmonics([0, 1, 2], vector, normalize=normalize)
    values.sum().backward()
    return values[0].tolist(), vector.grad[0]


for vector in ([0.0, 0.0, 0.0], [0.3, 0.4, 0.0]):
    for normalize in (True, False):
        values, gradient = harmonics(vector, normalize)
        print(f"{vector} normalize={normalize!s:6}{[round(value, 4) for value in values]}, gradient {gradient.tolist()}")
        assert gradient.isfinite().all()
        if any(vector):
            assert gradient.abs().max() < 10
        else:
            assert abs(values[0] - 0.2821) < 1e-4 and not any(values[1:])
            assert (gradient > 4e11).all() if normalize else (abs(gradient - 0.4886) < 1e-3).all()
PY
