#!/usr/bin/env bash
# With: pytorch_optimizer 4.1.0 with torch 2.13.0
# Guess: a schedule that was made with min_lr and max_lr stays between them, and after its t_max steps stays at min_lr.
# Seen: LinearScheduler goes on along its line: one step after the end the rate is below 0, and the optimizer climbs.
#   PolyScheduler multiplies max_lr by the root of the step: 10 times max_lr after 100 steps. CosineScheduler is back at
#   max_lr after 2 t_max. SGD takes a rate of less than 0 from a scheduler, which it refuses from its user.
# Matters: A run that is made longer than its schedule undoes what it has learned, from its best point on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 pytorch_optimizer==4.1.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from pytorch_optimizer import CosineScheduler, LinearScheduler, PolyScheduler


def trained(scheduler_class, steps=200, end=100):
    """Return the rates and the losses of a run that is twice as long as its schedule."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = scheduler_class(optimizer, t_max=end, max_lr=0.1, min_lr=0.0)
    rates, losses = [], []
    for _ in range(steps + 1):
        scheduler.step()
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(loss.item())
    return rates, losses


seen = {scheduler: trained(scheduler) for scheduler in (LinearScheduler, CosineScheduler, PolyScheduler)}
for scheduler, (rates, losses) in seen.items():
    for step in (0, 50, 100, 101, 200):
        print(f"{scheduler.__name__:16}step {step:3}: rate {rates[step]:8.4f}, loss {losses[step]:.3g}")
rates, losses = seen[LinearScheduler]
assert abs(rates[100]) < 1e-6 and rates[101] < 0 and abs(rates[200] + 0.1) < 1e-6
assert losses[200] > 100 * losses[100]
rates, _ = seen[CosineScheduler]
assert abs(rates[100]) < 1e-6 and abs(rates[200] - 0.1) < 1e-6
rates, losses = seen[PolyScheduler]
assert abs(rates[100] - 1.0) < 1e-6 and rates[200] > rates[101] > 1
try:
    torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=-0.1)
except ValueError as error:
    print(error)
else:
    raise AssertionError("SGD takes a negative rate")
PY
