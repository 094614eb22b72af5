#!/usr/bin/env bash
# With: autograd 1.9.1, numpy 2.2.6
# Guess: the gradient of a product by a factor is the product of the others, also where that factor is 0: 6 for 0 * 2
#   * 3.
# Seen: numpy.prod sends NaN to that factor: the product is divided by it. Multiplied one by one it is 6. So does
#   sinc, for its own 0, where it is flat; each entry for itself, the others are right.
# Matters: A product of probabilities with one that is 0 has a right value, right gradients of all others, and one
#   NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check autograd==1.9.1 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import warnings

import autograd.numpy as np
from autograd import grad

warnings.simplefilter("ignore")
factors = np.array([0.0, 2.0, 3.0])
whole, one_by_one = grad(np.prod)(factors), grad(lambda x: x[0] * x[1] * x[2])(factors)
sinc = grad(lambda x: np.sum(np.sinc(x)))(np.array([0.0, 0.5]))
print("prod", whole, "one by one", one_by_one, "sinc", sinc)
assert list(one_by_one) == [6.0, 0.0, 0.0]
assert np.isnan(whole[0]) and list(whole[1:]) == [0.0, 0.0]
assert np.isnan(sinc[0]) and np.isfinite(sinc[1])
PY
