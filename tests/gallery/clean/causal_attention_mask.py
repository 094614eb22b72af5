"""Causal self-attention with -inf above the diagonal: every row has at least one score.

Findings: none
"""

import math

import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, width, length):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.full((length, length), float("-inf")).triu(1))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)) + self.mask
        return self.out(scores.softmax(-1) @ v)


torch.manual_seed(18)
model = nn.Sequential(nn.Embedding(12, 8), SelfAttention(8, 6), nn.Linear(8, 12))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(5):
    ids = torch.randint(0, 12, (4, 7))
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
