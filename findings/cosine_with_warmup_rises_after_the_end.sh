#!/usr/bin/env bash
# With: transformers 5.24.0 with torch 2.13.0
# Guess: the schedules of transformers stay at their last rate after num_training_steps, the cosine as the linear one.
# Seen: the linear, the polynomial and the cosine with hard restarts stay at 0. The plain cosine, and that with min_lr, go
#   on along the cosine: at twice the steps the full rate is back, without a warmup. max(0, ...) around it is never used.
# Matters: A run that is longer than was told to the schedule, as by one forgotten factor of accumulation or by a resume
#   for more epochs, loses what it has learned with no change of its settings, and only under this schedule.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from transformers import optimization


def rates(name, **options):
    """Return the rates at the end of 100 planned steps, at one and a half and at two times as many."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = getattr(optimization, name)(optimizer, num_warmup_steps=0, num_training_steps=100, **options)
    seen = []
    for _ in range(201):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen[100], seen[150], seen[200]


for name, options, expected in (
    ("get_linear_schedule_with_warmup", {}, (0.0, 0.0, 0.0)),
    ("get_polynomial_decay_schedule_with_warmup", {"lr_end": 0.0}, (0.0, 0.0, 0.0)),
    ("get_cosine_with_hard_restarts_schedule_with_warmup", {}, (0.0, 0.0, 0.0)),
    ("get_cosine_schedule_with_warmup", {}, (0.0, 0.5, 1.0)),
    ("get_cosine_with_min_lr_schedule_with_warmup", {"min_lr": 0.1}, (0.1, 0.55, 1.0)),
):
    seen = rates(name, **options)
    print(f"{name:52}{[round(rate, 4) for rate in seen]}")
    assert all(abs(a - b) < 1e-6 for a, b in zip(seen, expected, strict=True))
PY
