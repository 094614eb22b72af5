"""A sparse embedding with SparseAdam beside a dense optimizer.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(62)
table, out = nn.Embedding(50, 4, sparse=True), nn.Linear(4, 2)
sparse, dense = torch.optim.SparseAdam(table.parameters(), lr=1e-2), torch.optim.Adam(out.parameters(), lr=1e-2)
for step in range(6):
    ids = torch.randint(0, 50, (9,))
    loss = nn.functional.cross_entropy(out(table(ids)), ids % 2)
    sparse.zero_grad()
    dense.zero_grad()
    loss.backward()
    sparse.step()
    dense.step()
