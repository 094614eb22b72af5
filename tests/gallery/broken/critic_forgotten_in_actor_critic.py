"""Actor and critic are two networks, and the optimizer was made of the actor's parameters only.

Findings: G001
Line: 15 or 20 or 29
"""

import torch
from torch import nn


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
        self.critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


torch.manual_seed(4)
agent = ActorCritic()
optimizer = torch.optim.Adam(agent.actor.parameters(), lr=3e-3)
for episode in range(6):
    states, returns = torch.randn(10, 4), torch.randn(10)
    dist = torch.distributions.Categorical(logits=agent.actor(states))
    values = agent.critic(states).squeeze(1)
    advantage = returns - values
    loss = -(dist.log_prob(dist.sample()) * advantage.detach()).mean() + advantage.pow(2).mean()
    agent.zero_grad()
    loss.backward()
    optimizer.step()
