"""What in a script makes two runs of it differ, as far as its text tells."""

from __future__ import annotations

import pytest

from gradb.debugger.rerun.signs import signs


def _likely(text: str) -> list[str]:
    return [f"{what} at {use.where}" for what, use in signs({"/home/a/train.py": text}).likely()]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import numpy as np\nrng = np.random.default_rng()", "numpy.random.default_rng without a seed"),
        ("from numpy.random import SeedSequence as Seed\nSeed(None)", "numpy.random.SeedSequence without a seed"),
        ("import os\nos.urandom(4)", "os.urandom, another in each run"),
        ("import secrets\nsecrets.token_hex()", "secrets.token_hex, another in each run"),
        ("from time import perf_counter\nstart = perf_counter()", "what the time is: time.perf_counter"),
        ("import time as t\nclock = t.time", "what the time is: time.time"),
        ("from datetime import datetime\nprint(datetime.now())", "what the time is: datetime.datetime.now"),
        ("import torch.multiprocessing as mp\nmp.spawn(f)", "other processes: torch.multiprocessing.spawn"),
        ("import threading\nthreading.Thread(target=f)", "threads: threading.Thread"),
        ("import torch\nx = torch.empty(3)", "memory that is not set: torch.empty"),
        ("\nloader = DataLoader(data, num_workers=2)", "workers of a data loader"),
        ("\nloader = DataLoader(data, num_workers=args.workers)", "workers of a data loader"),
        ("\nx = x.to('cuda:0')", "what a GPU computes"),
        ("\nmodel.cuda()", "what a GPU computes"),
    ],
)
def test_signs_are_found(text: str, what: str) -> None:
    """Names are known by the imports of their file, however they are called there."""
    assert _likely(text) == [f"{what} at train.py:2"]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nrng = np.random.default_rng(0)",
        "import random\nrandom.seed(args.seed)",
        "loader = DataLoader(data, num_workers=0)",
        "self.time.time()",
        "x = loss.time",
        "import torch\nx = torch.zeros(3)\nif torch.cuda: pass",
        "def f(:",
    ],
)
def test_what_does_no_harm_is_no_sign(text: str) -> None:
    """A seed that is given, no workers, attributes that only sound alike; a file that is no Python says nothing."""
    assert _likely(text) == []


def test_seeding_is_seen() -> None:
    """It is known of a script whether it seeds, whoever it has do so."""
    assert signs({"a.py": "import torch\ntorch.manual_seed(0)"}).is_seeded
    assert signs({"a.py": "x = 1", "b.py": "from lightning import seed_everything\nseed_everything(3)"}).is_seeded
    assert not signs({"a.py": "import torch\ntorch.rand(2)"}).is_seeded


def test_sets_are_seen() -> None:
    """Whatever has an order that hashes decide is found; a dictionary has none."""
    assert [bool(signs({"a.py": text}).sets) for text in ("{1, 2}", "set(x)", "{a for a in b}", "{}", "{1: 2}")] == [
        True, True, True, False, False,
    ]  # fmt: skip
