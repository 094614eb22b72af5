"""REINFORCE: log-probabilities are kept for the episode, returns are numbers without gradient.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(16)
policy = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(6):
    state, log_probs, rewards = torch.randn(2), [], []
    for t in range(5):
        dist = torch.distributions.Categorical(logits=policy(state))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        state = state + 0.1 * (2.0 * action - 1.0)
        rewards.append(-state.abs().sum().item())
    returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
