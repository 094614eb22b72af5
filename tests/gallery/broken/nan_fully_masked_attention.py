"""One sequence is all padding: its row of scores is -inf everywhere, and softmax of that is nan.

Findings: G016
Line: 22
"""

import math

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x, padding):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(padding[:, None, :], float("-inf"))
        weights = scores.softmax(-1)
        return weights @ v


torch.manual_seed(3)
attention = Attention(6)
optimizer = torch.optim.AdamW(attention.parameters(), lr=1e-3)
lengths = torch.tensor([4, 0, 2])
padding = torch.arange(4)[None] >= lengths[:, None]
for step in range(3):
    out = attention(torch.randn(3, 4, 6), padding)
    loss = out.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
