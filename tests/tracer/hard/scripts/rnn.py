"""A recurrent net is one node."""

import torch

torch.manual_seed(0)
net = torch.nn.LSTM(2, 3)
out, (h, c) = net(torch.ones(4, 1, 2))
out.sum().backward()
