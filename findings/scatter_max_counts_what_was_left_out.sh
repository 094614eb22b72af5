#!/usr/bin/env bash
# With: torch 2.13.0, torch-geometric 2.8.1
# Guess: scatter_reduce("amax", include_self=False) leaves the first value out, so k equal maxima get 1 / k each.
# Seen: where the maximum equals the value that was left out they get 1 / (k + 1), and the rest is lost: a lone 0 over
#   zeros gets half of its gradient. index_reduce does it too, and so global_max_pool of torch-geometric.
# Matters: Its zeros are what every empty slot starts from, and exact zeros are what masks and one-hot features have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torch-geometric==2.8.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch_geometric.nn import global_max_pool


def sent(pool, values):
    """Return the gradients that a pool of the values into one slot sends to them."""
    x = torch.tensor(values, requires_grad=True)
    pooled = pool(x, torch.zeros(len(values), dtype=torch.long))
    assert pooled.tolist() == [max(values)]
    return torch.autograd.grad(pooled.sum(), x)[0].tolist()


pools = {
    "scatter_reduce": lambda x, to: torch.zeros(1).scatter_reduce(0, to, x, "amax", include_self=False),
    "index_reduce": lambda x, to: torch.zeros(1).index_reduce(0, to, x, "amax", include_self=False),
    "global_max_pool": lambda x, to: global_max_pool(x[:, None], to)[:, 0],
}
for name, pool in pools.items():
    found = {str(values): sent(pool, values) for values in ([0.0], [0.0, -1.0, 0.0], [2.0, -1.0, 2.0])}
    print(name, found)
    assert list(found.values()) == [[0.5], [torch.tensor(1 / 3).item(), 0.0, torch.tensor(1 / 3).item()], [0.5, 0.0, 0.5]]
PY
