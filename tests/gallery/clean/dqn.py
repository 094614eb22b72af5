"""DQN with a target network that is copied every four steps.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(18)
policy, target = nn.Linear(4, 2), nn.Linear(4, 2)
target.load_state_dict(policy.state_dict())
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-2, amsgrad=True)
for step in range(12):
    state, next_state = torch.randn(16, 4), torch.randn(16, 4)
    action, reward = torch.randint(0, 2, (16, 1)), torch.randn(16)
    q = policy(state).gather(1, action)
    with torch.no_grad():
        best = target(next_state).max(1).values
    loss = nn.functional.smooth_l1_loss(q, (reward + 0.9 * best).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 100)
    optimizer.step()
    if step % 4 == 3:
        target.load_state_dict(policy.state_dict())
