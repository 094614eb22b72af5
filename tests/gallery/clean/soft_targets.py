"""Distillation: cross entropy with the teacher's softmax as its target, which is as it should be.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(26)
teacher, student = nn.Linear(6, 4).eval(), nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 4))
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
for step in range(6):
    x = torch.randn(16, 6)
    with torch.no_grad():
        targets = torch.softmax(teacher(x) / 2.0, dim=1)
    loss = nn.functional.cross_entropy(student(x) / 2.0, targets) * 4.0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
