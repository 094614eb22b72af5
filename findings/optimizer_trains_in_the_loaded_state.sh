#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: optimizer.load_state_dict(saved) copies out of the dict, as module.load_state_dict does, so one copy of the
#   state in memory can be gone back to as often as one likes.
# Seen: the optimizer goes on in the tensors of the dict itself: one step later the dict holds the moments and the
#   step count of after that step. Going back to it a second time brings back the weights exactly, and other moments.
# Matters: A retry from a snapshot in memory, deep-copied as advised, is right once; each later one starts elsewhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import copy

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)


def step(scale):
    optimizer.zero_grad()
    (scale * model(torch.ones(1, 3))).sum().backward()
    optimizer.step()


step(1.0)
weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
results = []
for _ in range(2):
    model.load_state_dict(weights)
    optimizer.load_state_dict(state)
    print("step count at the start of the try:", state["state"][0]["step"].item())
    step(-3.0)
    results.append(model.weight.detach().clone())
print("weights after each try:", [result.tolist() for result in results])
assert state["state"][0]["step"].item() == 3.0
assert not torch.equal(results[0], results[1])
assert all(weights[name].data_ptr() != value.data_ptr() for name, value in model.state_dict().items())
PY
