"""BYOL: an online network, a target network by EMA, and a predictor.

Findings: none
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(66)
online = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
predictor, target = nn.Linear(4, 4), copy.deepcopy(online)
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3)
for step in range(6):
    x = torch.randn(12, 5)
    with torch.no_grad():
        goal = F.normalize(target(x + 0.1 * torch.randn_like(x)), dim=1)
    loss = 2 - 2 * (F.normalize(predictor(online(x)), dim=1) * goal).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for p, q in zip(online.parameters(), target.parameters()):
            q.copy_(0.95 * q + 0.05 * p)
