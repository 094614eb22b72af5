#!/usr/bin/env bash
# With: torchdata 0.11.0 with torch 2.13.0
# Guess: a StatefulDataLoader that is resumed in mid-epoch by its state_dict goes through the rest of that epoch, and
#   through the later ones as the first run did; a generator that it was given belongs to its state.
# Seen: the rest of the epoch is the same. The next epoch is another one: the resumed iterator puts a state of its own into
#   the generator at its first batch, over one that was set after the load; set within the epoch, the right one helps.
#   The order of the first epoch is not that of DataLoader with the same seed.
# Matters: A resumed run parts from the uninterrupted one an epoch later, where nobody looks for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchdata==0.11.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader


def make(kind=StatefulDataLoader):
    generator = torch.Generator().manual_seed(0)
    return generator, kind(list(range(12)), batch_size=2, shuffle=True, generator=generator)


def epoch(loader):
    return [batch.tolist() for batch in loader]


generator, loader = make()
first = epoch(loader)
iterator = iter(loader)
begun = [next(iterator).tolist() for _ in range(2)]
state, stood = loader.state_dict(), generator.get_state()
rest = [batch.tolist() for batch in iterator]
later = epoch(loader)

for when in ("nothing set", "set after the load", "set within the epoch"):
    generator, resumed = make()
    resumed.load_state_dict(state)
    if when == "set after the load":
        generator.set_state(stood)
    iterator = iter(resumed)
    rest_again = [next(iterator).tolist()]
    if when == "set within the epoch":
        generator.set_state(stood)
    rest_again += [batch.tolist() for batch in iterator]
    later_again = epoch(resumed)
    print(f"{when}: the rest is the same: {rest == rest_again}, the next epoch {later == later_again}")
    assert rest == rest_again
    assert (later == later_again) == (when == "set within the epoch")

usual = epoch(make(DataLoader)[1])
print("first epoch:", first, "by DataLoader:", usual)
assert first != usual
PY
