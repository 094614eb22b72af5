#!/usr/bin/env bash
# With: torchmetrics 1.9.0, torch 2.13.0
# Guess: log-cosh, which is offered as the loss that is |x| - log 2 for large errors, is that for an error of 100.
# Seen: in float32 LogCoshError is infinite from an error of about 89 on, and its gradient is NaN: it takes the exponential
#   of the error first. In float16 that is an error of 12. |x| + softplus(-2 |x|) - log 2, the same function, is right.
# Matters: A regression on targets that are not normalised begins with such errors; its first loss is infinite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import math

import torch
from torchmetrics.functional import log_cosh_error


def stable(preds, target):
    error = (preds - target).abs()
    return (error + torch.nn.functional.softplus(-2 * error) - math.log(2)).mean()


def look(function, error, dtype=torch.float32):
    preds = torch.tensor([error], dtype=dtype, requires_grad=True)
    value = function(preds, torch.zeros(1, dtype=dtype))
    value.backward()
    print(f"{function.__name__:15}{error:6.1f} {dtype}  {value.item():9.4f}  {preds.grad.item():.4f}")
    return value.item(), preds.grad.item()


assert math.isclose(look(log_cosh_error, 80.0)[0], 80 - math.log(2), rel_tol=1e-5)
for error, dtype in ((100.0, torch.float32), (12.0, torch.float16)):
    value, gradient = look(log_cosh_error, error, dtype)
    assert math.isinf(value)
    assert math.isnan(gradient)
    value, gradient = look(stable, error, dtype)
    assert math.isclose(value, error - math.log(2), rel_tol=1e-3)
    assert gradient == 1
PY
