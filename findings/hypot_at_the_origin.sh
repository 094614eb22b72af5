#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: the length of a vector has the same subgradient at 0 however it is spelt, 0; the same for the deviation of
#   equal numbers.
# Seen: vector_norm and abs of a complex number send 0, hypot sends NaN; std sends 0, var().sqrt() NaN.
# Matters: Replacing one spelling by the "same" other one brings a NaN the first time that a difference is exactly 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch


def gradient(function, start):
    start = start.requires_grad_()
    function(start).sum().backward()
    return start.grad


origin = lambda: torch.zeros(2)  # noqa: E731
equal = lambda: torch.ones(3)  # noqa: E731
seen = {
    "vector_norm": gradient(torch.linalg.vector_norm, origin()),
    "complex abs": gradient(lambda x: torch.complex(x[0], x[1]).abs(), origin()),
    "hypot": gradient(lambda x: torch.hypot(x[0], x[1]), origin()),
    "std": gradient(torch.std, equal()),
    "var().sqrt()": gradient(lambda x: x.var().sqrt(), equal()),
}
for name, found in seen.items():
    print(f"{name:14}{found.tolist()}")
for name in ("vector_norm", "complex abs", "std"):
    assert not seen[name].any(), name
for name in ("hypot", "var().sqrt()"):
    assert seen[name].isnan().all(), name
PY
