"""A momentum encoder (MoCo) is updated through .data, and its keys are computed without gradient.

Findings: none
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(46)
query = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
key = copy.deepcopy(query)
for p in key.parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(query.parameters(), lr=0.05, momentum=0.9)
queue = F.normalize(torch.randn(16, 4), dim=1)
for step in range(6):
    x = torch.randn(8, 6)
    q = F.normalize(query(x + 0.1 * torch.randn_like(x)), dim=1)
    with torch.no_grad():
        for slow, fast in zip(key.parameters(), query.parameters()):
            slow.data = slow.data * 0.99 + fast.data * 0.01
        k = F.normalize(key(x), dim=1)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / 0.2
    loss = F.cross_entropy(logits, torch.zeros(8, dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([queue[8:], k])
