#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: with one seed, the first numbers of torch.randn(17) are those of torch.randn(16), and those of
#   torch.randn(15).
# Seen: all three differ: below 16 elements a scalar loop draws, from 16 on a vectorised one, and the tail of a size
#   that is no multiple of 16 is drawn again over the last 16.
# Matters: A model with one more unit begins with other weights throughout, though the seed is the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch


def draw(count):
    torch.manual_seed(0)
    return torch.randn(count)


same = {f"{a} of {b}": torch.equal(draw(a), draw(b)[:a]) for a, b in ((14, 15), (15, 16), (16, 17), (16, 32))}
print(same)
assert same == {"14 of 15": True, "15 of 16": False, "16 of 17": False, "16 of 32": True}
PY
