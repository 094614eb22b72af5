"""model.zero_grad() is called on the teacher, not on the student that is trained.

Findings: G004
Line: 15 or 18 or 19
"""

import torch
from torch import nn

torch.manual_seed(6)
teacher = nn.Linear(6, 4).requires_grad_(False)
student = nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 4))
optimizer = torch.optim.RMSprop(student.parameters(), lr=1e-3)
for step in range(10):
    teacher.zero_grad()
    x = torch.randn(16, 6)
    loss = nn.functional.kl_div(student(x).log_softmax(-1), teacher(x).softmax(-1), reduction="batchmean")
    loss.backward()
    optimizer.step()
