"""Runs scripts, one after the other, and prints a hash of every tensor and random state that each left."""

import hashlib
import random
import runpy
import sys

import torch


def digest(value):
    return hashlib.sha256(value.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()).hexdigest()


def report(name, value):
    print(name, digest(value), None if value.grad is None else digest(value.grad), value._version)


def run(path):
    torch.manual_seed(1)
    random.seed(1)
    for name, value in sorted(runpy.run_path(path).items()):
        if isinstance(value, torch.nn.Module):
            for inner, parameter in value.named_parameters():
                report(f"{name}.{inner}", parameter)
        elif isinstance(value, torch.Tensor) and value.is_leaf:
            report(name, value)
        elif isinstance(value, torch.Tensor):
            print(name, digest(value))
    print(hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(), random.random())


for path in sys.argv[1:]:
    print(path)
    run(path)
