"""A bar of tqdm's on stderr, whose monitor is a thread."""

import sys

import torch

try:
    from tqdm import tqdm
except ImportError:
    print("no tqdm")
    sys.exit(0)
torch.manual_seed(18)
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in tqdm(range(int(sys.argv[1])), mininterval=1e9):
    loss = (w - torch.randn(5)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
