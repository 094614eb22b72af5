#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: a DataLoader with shuffle=False and no workers leaves the global random state alone.
# Seen: each pass over it draws one number from the global generator (a seed for workers that do not exist), so a
#   validation pass changes the training after it; with a generator of its own it does not.
# Matters: Two runs with one seed part because one of them evaluated once more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.zeros(4, 1))


def disturbs(**options):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    for _ in DataLoader(data, batch_size=2, shuffle=False, num_workers=0, **options):
        pass
    return not torch.equal(before, torch.get_rng_state())


print("without a generator", disturbs(), "with one", disturbs(generator=torch.Generator()))
assert disturbs()
assert not disturbs(generator=torch.Generator())
PY
