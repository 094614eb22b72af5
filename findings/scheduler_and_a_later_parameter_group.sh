#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: a parameter group that is added after the scheduler was made is either scheduled by all schedulers or by
#   none.
# Seen: StepLR schedules it too; LambdaLR raises 'zip() argument 2 is shorter than argument 1' at its next step,
#   after the optimizer has stepped.
# Matters: Unfreezing layers in mid-training works or fails by the kind of scheduler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.optim import lr_scheduler


def rates(make):
    first, later = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([first], lr=1.0)
    scheduler = make(optimizer)
    optimizer.add_param_group({"params": [later], "lr": 1.0})
    optimizer.step()
    scheduler.step()
    return [group["lr"] for group in optimizer.param_groups]


print("StepLR", rates(lambda optimizer: lr_scheduler.StepLR(optimizer, 1, 0.1)))
assert rates(lambda optimizer: lr_scheduler.StepLR(optimizer, 1, 0.1)) == [0.1, 0.1]
try:
    rates(lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch))
except ValueError as error:
    print("LambdaLR", error)
else:
    raise SystemExit("LambdaLR accepted the group")
PY
