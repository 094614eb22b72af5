#!/usr/bin/env bash
# With: numpy 2.2.6
# Guess: arrays saved by np.savez under the names w and w.npy come back as the two that they are, or saving them
#   raises.
# Seen: both are in the file and both names are listed, and both give the first: a name is looked for among the
#   members of the archive before .npy is appended to it, and the member w.npy is w.
# Matters: A dict of arrays whose keys are names of files loses one of them without a word: its place is taken by the
#   other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import io

import numpy as np

file = io.BytesIO()
np.savez(file, **{"w": np.array(1), "w.npy": np.array(2)})
file.seek(0)
loaded = np.load(file)
print("names", loaded.files, "values", {name: int(loaded[name]) for name in loaded.files})
assert loaded.files == ["w", "w.npy"]
assert int(loaded["w"]) == int(loaded["w.npy"]) == 1
assert int(loaded["w.npy.npy"]) == 2
PY
