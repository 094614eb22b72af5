"""A transformer encoder layer with a key padding mask; each sequence has at least one token.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(19)
layer, head = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), nn.Linear(8, 2)
optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-3)
lengths = torch.tensor([5, 2, 1])
padding = torch.arange(5)[None] >= lengths[:, None]
for step in range(4):
    h = layer(torch.randn(3, 5, 8), src_key_padding_mask=padding)
    pooled = h.masked_fill(padding[..., None], 0).sum(1) / lengths[:, None]
    loss = nn.functional.cross_entropy(head(pooled), torch.tensor([0, 1, 0]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
