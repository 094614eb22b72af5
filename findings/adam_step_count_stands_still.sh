#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: Adam counts its steps exactly, however long it trains.
# Seen: state['step'] is a float32 tensor: from 2**24 = 16,777,216 on, adding 1 changes nothing. With float64 as the
#   default dtype at its first step it is float64.
# Matters: Whatever is computed from the step count of a very long run stands still.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.Adam([weight])
weight.grad = torch.ones(1)
optimizer.step()
state = optimizer.state_dict()
state["state"][0]["step"] = torch.tensor(2.0**24)
optimizer.load_state_dict(state)
for _ in range(3):
    optimizer.step()
step = optimizer.state[weight]["step"]
print("step", step.dtype, int(step))
assert step.dtype is torch.float32
assert int(step) == 2**24
PY
