#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: AveragedModel(use_buffers=True) averages the statistics of a batch norm and takes its count of batches over.
# Seen: the count is averaged as well, and rounded down at each update: after 100 batches the equal average holds 1, that
#   with a decay of 0.9 holds 90 (so it stays 1 / (1 - decay) behind), and it stands still where the model's does. With
#   use_buffers=False, the default, the averaged weights come with the statistics of the newest model.
# Matters: With momentum=None the next batch counts 1 / (count + 1): who trains on from the average forgets half of its
#   statistics at the first batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def train(**options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=None))
    averaged = AveragedModel(model, **options)
    for _ in range(100):
        model(torch.randn(4, 2) + 5)
        averaged.update_parameters(model)
    return model[1], averaged.module[1]


for name, options, expected in (
    ("equal average, buffers", {"use_buffers": True}, 1),
    ("decay 0.9, buffers", {"use_buffers": True, "multi_avg_fn": get_ema_multi_avg_fn(0.9)}, 90),
    ("equal average, the default", {}, 100),
):
    newest, kept = train(**options)
    count = kept.num_batches_tracked.item()
    print(f"{name:28} {newest.num_batches_tracked.item()} batches, the average holds {count}")
    assert count == expected
    if not options:
        assert torch.equal(kept.running_mean, newest.running_mean)

_, kept = train(use_buffers=True)
before = kept.running_mean.clone()
kept.train()(torch.zeros(4, 2))
print("running mean", before.tolist(), "after one more batch of zeros", kept.running_mean.tolist())
assert torch.allclose(kept.running_mean, before / 2)
PY
