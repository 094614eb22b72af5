#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: whoever restores a run may build the scheduler before or after optimizer.load_state_dict, since its own
#   load_state_dict comes last: the learning rates go on as they would have.
# Seen: a constructor takes its first step at once, on the rates that were loaded. Built after the load, ConstantLR,
#   LinearLR and what is made of them multiply the rate once more and stay too low for the rest of the run; LambdaLR,
#   CosineAnnealingWarmRestarts, CyclicLR and OneCycleLR take one step at another rate; StepLR, ExponentialLR,
#   CosineAnnealingLR and PolynomialLR go on as they were.
# Matters: After a resume a run with a warmup trains at a fraction of its rate, and everything was loaded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import copy

import torch
from torch.optim import lr_scheduler as schedulers

kinds = {
    "StepLR": lambda o: schedulers.StepLR(o, 3, 0.5),
    "ExponentialLR": lambda o: schedulers.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: schedulers.CosineAnnealingLR(o, 20),
    "PolynomialLR": lambda o: schedulers.PolynomialLR(o, 30, 2.0),
    "LambdaLR": lambda o: schedulers.LambdaLR(o, lambda step: 0.9**step),
    "WarmRestarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4),
    "CyclicLR": lambda o: schedulers.CyclicLR(o, 0.01, 0.1, step_size_up=4),
    "OneCycleLR": lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=30),
    "ConstantLR": lambda o: schedulers.ConstantLR(o, 0.1, 5),
    "LinearLR": lambda o: schedulers.LinearLR(o, 0.1, 1.0, 5),
    "warmup, then cosine": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.1, 1.0, 5), schedulers.CosineAnnealingLR(o, 20)], [5]
    ),
}


def fresh():
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)


def go(optimizer, scheduler, steps):
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


wrong = {}
for name, build in kinds.items():
    optimizer = fresh()
    scheduler = build(optimizer)
    go(optimizer, scheduler, 7)
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    rest = go(optimizer, scheduler, 10)
    resumed = {}
    for order in ("before", "after"):
        optimizer = fresh()
        if order == "after":
            optimizer.load_state_dict(saved[0])
        scheduler = build(optimizer)
        if order == "before":
            optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(copy.deepcopy(saved[1]))
        resumed[order] = go(optimizer, scheduler, 10)
    assert torch.allclose(resumed["before"], rest, rtol=1e-9)
    wrong[name] = (~torch.isclose(resumed["after"], rest, rtol=1e-9)).sum().item()
    last = f"{resumed['after'][-1]:.6f} for {rest[-1]:.6f}"
    print(f"{name:20} built after the load: {wrong[name]:2} of 10 rates differ, the last is {last}")
assert [wrong[name] for name in list(kinds)[:4]] == [0] * 4
assert [wrong[name] for name in list(kinds)[4:8]] == [1] * 4
assert [wrong[name] for name in list(kinds)[8:]] == [10] * 3
PY
