#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: vector_to_parameters copies a vector into the parameters, as parameters_to_vector copies them into one.
# Seen: it makes the parameters views of the vector: every later step of the optimizer writes into the vector. Two
#   models that are set from one vector train each other.
# Matters: The best weights so far, kept as a vector and put back once, are gone after the next step.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.manual_seed(0)
first, second = nn.Linear(3, 1), nn.Linear(3, 1)
best = parameters_to_vector(first.parameters()).detach()
kept = best.clone()
with torch.no_grad():
    first.weight += 1
assert torch.equal(best, kept)  # a copy on the way out

for model in (first, second):
    vector_to_parameters(best, model.parameters())
optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
first(torch.ones(1, 3)).sum().backward()
optimizer.step()
print("the vector has moved by        ", (best - kept).tolist())
print("the other model has moved by   ", (parameters_to_vector(second.parameters()).detach() - kept).tolist())
assert torch.allclose(best - kept, torch.full((4,), -0.1))
assert torch.equal(parameters_to_vector(second.parameters()), best)
PY
