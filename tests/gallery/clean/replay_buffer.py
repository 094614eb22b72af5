"""A replay buffer of detached transitions from earlier iterations.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(93)
q = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
buffer, state = [], torch.randn(3)
for step in range(15):
    with torch.no_grad():
        action = q(state).argmax().item() if step % 3 else step % 2
    following = state * 0.9 + 0.1 * torch.randn(3)
    buffer.append((state, action, -following.norm().item(), following))
    state = following
    if len(buffer) >= 4:
        s, a, r, s2 = zip(*buffer[-4:])
        with torch.no_grad():
            goal = torch.tensor(r) + 0.9 * q(torch.stack(s2)).max(1).values
        chosen = q(torch.stack(s)).gather(1, torch.tensor(a)[:, None]).squeeze(1)
        loss = nn.functional.mse_loss(chosen, goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
