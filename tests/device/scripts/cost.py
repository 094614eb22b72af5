"""A training of a three-layer net on a device that times itself after a warm-up."""

import json
import sys
import time

import torch
from torch import nn

device = sys.argv[1]


def wait():
    if device != "cpu":
        torch.accelerator.synchronize()


def train(count):
    for _ in range(count):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    wait()


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
optimizer = torch.optim.Adam(model.parameters())
images, labels = torch.randn(64, 784).to(device), torch.randint(0, 10, (64,)).to(device)
train(5)
begin = time.perf_counter()
train(50)
print(json.dumps({"wall": time.perf_counter() - begin}))
