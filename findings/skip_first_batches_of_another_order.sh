#!/usr/bin/env bash
# With: accelerate 1.15.0 with torch 2.13.0
# Guess: save_state in mid-epoch, then load_state and skip_first_batches in a new process go through the samples that
#   were left in that epoch, since save_state keeps the states of the random numbers.
# Seen: they do not: the order was drawn before the state was saved, and the resumed epoch draws another. Some samples
#   come twice, some never. With use_seedable_sampler=True (False by default) the rest and the next epoch are the same.
# Matters: Each resume in mid-epoch shows part of the data twice and leaves part out, and losses go on looking right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 accelerate==1.15.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import tempfile

import torch
from accelerate import Accelerator, skip_first_batches
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch.utils.data import DataLoader, TensorDataset

folder = tempfile.mkdtemp()


def prepare(seedable):
    accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(use_seedable_sampler=seedable))
    set_seed(0)
    loader = DataLoader(TensorDataset(torch.arange(10)), batch_size=2, shuffle=True)
    return accelerator, accelerator.prepare(loader)


for seedable in (False, True):
    accelerator, loader = prepare(seedable)
    epochs = []
    for epoch in range(2):
        if hasattr(loader, "set_epoch"):
            loader.set_epoch(epoch)
        batches = []
        for batch, in loader:
            batches.append(batch.tolist())
            if epoch == 0 and len(batches) == 2:
                accelerator.save_state(folder)
        epochs.append(batches)
    accelerator, loader = prepare(seedable)
    accelerator.load_state(folder)
    rest = [batch.tolist() for batch, in skip_first_batches(loader, 2)]
    seen = sum(epochs[0][:2] + rest, [])
    missed = sorted(set(range(10)) - set(seen))
    print(f"use_seedable_sampler={seedable}: left {epochs[0][2:]}, resumed with {rest}, never seen {missed}")
    assert (rest == epochs[0][2:]) == seedable
    assert bool(missed) == (not seedable)
PY
