"""Two models against each other, with an optimizer each."""

import sys

import torch
from torch import nn

torch.manual_seed(7)
maker = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
judge = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
of_maker = torch.optim.Adam(maker.parameters(), lr=2e-3, betas=(0.5, 0.9))
of_judge = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.9))
criterion = nn.BCEWithLogitsLoss()
for step in range(int(sys.argv[1])):
    real = torch.randn(16, 2) + 3
    fake = maker(torch.randn(16, 2))
    of_judge.zero_grad()
    judged = criterion(judge(real), torch.ones(16, 1)) + criterion(judge(fake.detach()), torch.zeros(16, 1))
    judged.backward()
    of_judge.step()
    of_maker.zero_grad()
    made = criterion(judge(fake), torch.ones(16, 1))
    made.backward()
    of_maker.step()
    print(step, judged.item(), made.item())
