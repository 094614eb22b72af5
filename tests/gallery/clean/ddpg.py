"""DDPG: actor and critic with soft target updates through .data; the actor's loss leaves gradients in the critic.

Findings: none
"""

import copy

import torch
from torch import nn

torch.manual_seed(19)
actor = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1), nn.Tanh())
critic = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
actor_target, critic_target = copy.deepcopy(actor), copy.deepcopy(critic)
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
for step in range(8):
    s, a, r, s2 = torch.randn(8, 3), torch.rand(8, 1), torch.randn(8, 1), torch.randn(8, 3)
    with torch.no_grad():
        goal = r + 0.99 * critic_target(torch.cat([s2, actor_target(s2)], 1))
    critic_loss = nn.functional.mse_loss(critic(torch.cat([s, a], 1)), goal)
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()
    actor_loss = -critic(torch.cat([s, actor(s)], 1)).mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
    for net, goal_net in ((actor, actor_target), (critic, critic_target)):
        for p, q in zip(net.parameters(), goal_net.parameters()):
            q.data.mul_(0.995).add_(0.005 * p.data)
