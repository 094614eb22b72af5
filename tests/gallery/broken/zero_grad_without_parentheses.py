"""optimizer.zero_grad was written without its parentheses: it is named, not called.

Findings: G004
Line: 18 or 20 or 21
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(torch.randn(40, 6), torch.randint(0, 2, (40,))), batch_size=10)
for epoch in range(3):
    for inputs, labels in loader:
        optimizer.zero_grad
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
