"""KL divergence by hand: p * log(p / q) with a p that is exactly 0.

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(26)
student = nn.Linear(4, 3)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
teacher = torch.tensor([[0.7, 0.3, 0.0], [0.1, 0.2, 0.7]])
for step in range(3):
    q = student(torch.randn(2, 4)).softmax(1)
    loss = (teacher * torch.log(teacher / q)).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
