#!/usr/bin/env bash
# With: safetensors 0.8.0, numpy 2.2.6
# Guess: the same tensors with the same metadata are saved as the same bytes, and the same bytes are loaded in the same
#   order.
# Seen: with four entries of metadata most saves give another file, by the order of the entries in its header, within one
#   process too; without metadata all are the same. load(bytes) returns its dict in another order nearly every time,
#   where load_file has one order, which is not that of the dict that was saved.
# Matters: A hash of a checkpoint does not tell whether it has changed, and a cache that is keyed by it does not hit; what
#   goes by the order of the tensors, a sum of all norms in floating point too, differs from load to load.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import os
import tempfile

import numpy as np
from safetensors.numpy import load, load_file, save, save_file

tensors = {"z": np.ones(1, np.float32), "b": np.ones(1, np.float16), "a": np.ones(1, np.float32)}
metadata = {"run": "1", "epoch": "2", "seed": "3", "loss": "4"}
plain = {save(tensors) for _ in range(20)}
described = {save(tensors, metadata) for _ in range(20)}
print(len(plain), "file of 20 saves without metadata,", len(described), "with four entries of it")
assert len(plain) == 1
assert len(described) > 1

(content,) = plain
of_bytes = {tuple(load(content)) for _ in range(20)}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "x.safetensors")
    save_file(tensors, path)
    of_file = {tuple(load_file(path)) for _ in range(20)}
print("saved in the order", tuple(tensors), "and loaded from bytes in", of_bytes, "and from a file in", of_file)
assert len(of_bytes) > 1
assert of_file == {("a", "z", "b")}
for loaded in (load(content), load(described.pop())):
    assert {name: value.tobytes() for name, value in loaded.items()} == {
        name: value.tobytes() for name, value in tensors.items()
    }
PY
