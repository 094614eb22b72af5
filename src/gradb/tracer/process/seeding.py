"""Seeds the random generators that a script uses, before it uses them: ``random``, torch and numpy."""

from __future__ import annotations

import random
import sys
from types import ModuleType

from gradb.tracer.isolation.importing import FirstImport

_NUMPY_SEEDS = 2**32


def seed_random(seed: int) -> None:
    """Seed ``random`` now, and numpy once it is imported."""
    random.seed(seed)
    if "numpy" in sys.modules:
        _seed_numpy(sys.modules["numpy"], seed)
    else:
        FirstImport("numpy", lambda: None, lambda numpy: _seed_numpy(numpy, seed)).install()


def seed_torch(seed: int) -> None:
    """Seed torch, which has been imported."""
    import torch

    torch.manual_seed(seed)


def _seed_numpy(numpy: ModuleType, seed: int) -> None:
    numpy.random.seed(seed % _NUMPY_SEEDS)
