"""Sampling at inference: logits outside of the top k are set to -inf, then softmax and multinomial, under no_grad.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(21)
model = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20)).eval()
token = torch.tensor([3])
with torch.no_grad():
    for _ in range(10):
        logits = model(token)
        kth = logits.topk(5).values[:, -1:]
        logits[logits < kth] = -float("inf")
        token = torch.multinomial(torch.softmax(logits, -1), 1).squeeze(1)
print(token)
