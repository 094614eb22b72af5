"""Actor-critic with a shared trunk: the actor's step changes weights that the critic's backward still needs.

Findings: G101
Line: 27
Raises: RuntimeError
"""

import torch
from torch import nn


class Agent:
    def __init__(self):
        self.trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8))
        self.actor, self.critic = nn.Linear(8, 2), nn.Linear(8, 1)
        self.actor_optimizer = torch.optim.SGD([*self.trunk.parameters(), *self.actor.parameters()], lr=0.01)
        self.critic_optimizer = torch.optim.SGD([*self.trunk.parameters(), *self.critic.parameters()], lr=0.01)

    def update(self, state, action, reward):
        feature = torch.tanh(self.trunk(state))
        value = self.critic(feature).squeeze(-1)
        log_p = torch.log_softmax(self.actor(feature), -1).gather(1, action[:, None]).squeeze(1)
        actor_loss = -(log_p * (reward - value.detach())).mean()
        critic_loss = (reward - value).pow(2).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward(retain_graph=True)
        self.actor_optimizer.step()
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()


torch.manual_seed(5)
agent = Agent()
for _ in range(3):
    agent.update(torch.randn(6, 4), torch.randint(0, 2, (6,)), torch.randn(6))
