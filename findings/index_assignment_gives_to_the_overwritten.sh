#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: x[[0, 0, 1]] = v keeps one of the two values for x[0], and only that one gets a gradient.
# Seen: the other one, which is nowhere in x any more, gets the same gradient as if it were. index_copy does the same,
#   and gradcheck fails for both.
# Matters: Where a batch writes to rows of a memory or a cache and a row comes twice, what was overwritten is trained
#   too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

index = torch.tensor([0, 0, 1])


def assigned(values):
    x = torch.zeros(2, dtype=values.dtype)
    x[index] = values
    return x


def copied(values):
    return torch.zeros(2, dtype=values.dtype).index_copy(0, index, values)


for function in (assigned, copied):
    values = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    x = function(values)
    (x * torch.tensor([10.0, 20.0])).sum().backward()
    print(f"{function.__name__}: x = {x.tolist()}, gradient of the values {values.grad.tolist()}")
    assert x.tolist() in ([1.0, 3.0], [2.0, 3.0])
    assert values.grad.tolist() == [10.0, 10.0, 20.0]
    assert not torch.autograd.gradcheck(function, values, raise_exception=False)
PY
