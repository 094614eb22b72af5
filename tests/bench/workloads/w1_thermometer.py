"""W1: a thermometer network of 9 parameters, SGD (or Adam): tiny tensors, so the cost per op is nearly all there is."""

import json
import resource
import sys
import time

import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.output = nn.Linear(2, 1)

    def forward(self, x):
        return self.output(self.layer1(x))


def train(iterations):
    for iteration in range(iterations):
        optimizer.zero_grad()
        output = model(t_c).squeeze()
        loss = criterion(output, t_u)
        loss.backward()
        optimizer.step()
        if iteration % 1000 == 0:
            loss.item()


torch.set_num_threads(1)
torch.manual_seed(0)
celsius = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_c = torch.column_stack([celsius, torch.ones_like(celsius)])
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])
model = Network()
kind = torch.optim.Adam if sys.argv[2:] == ["adam"] else torch.optim.SGD
optimizer = kind(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()

train(10)
began = time.process_time(), time.perf_counter()
train(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"cpu": cpu, "wall": wall, "peak_kib": peak_kib}))
