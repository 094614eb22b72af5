#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: copy.deepcopy of a leaf takes its .grad along, whatever the leaf's class.
# Seen: the copy of a plain tensor has the gradient, the copy of an nn.Parameter (so of a module) has None.
# Matters: A model copied between backward and step trains on without that gradient, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import copy
import torch

plain, parameter = torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))
plain.grad, parameter.grad = torch.ones(2), torch.ones(2)
print("tensor", copy.deepcopy(plain).grad, "parameter", copy.deepcopy(parameter).grad)
assert copy.deepcopy(plain).grad is not None
assert copy.deepcopy(parameter).grad is None
PY
