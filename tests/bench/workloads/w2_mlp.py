"""W2: a 784-256-128-10 MLP on random digits, batch 64, Adam: a small network as people train it."""

import json
import resource
import sys
import time

import torch
from torch import nn


def train(iterations):
    for _ in range(iterations):
        x = torch.randn(64, 784)
        y = torch.randint(0, 10, (64,))
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


torch.set_num_threads(1)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()

train(5)
began = time.process_time(), time.perf_counter()
train(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"cpu": cpu, "wall": wall, "peak_kib": peak_kib}))
