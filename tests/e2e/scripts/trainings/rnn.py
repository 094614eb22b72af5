"""An LSTM over characters, its state carried on from one stretch of the text to the next."""

import sys

import torch
from torch import nn

torch.manual_seed(8)
text = "the quick brown fox jumps over the lazy dog and back again over the fox " * 4
letters = sorted(set(text))
codes = torch.tensor([letters.index(letter) for letter in text])
embed, lstm, head = nn.Embedding(len(letters), 8), nn.LSTM(8, 16), nn.Linear(16, len(letters))
optimizer = torch.optim.RMSprop([*embed.parameters(), *lstm.parameters(), *head.parameters()], lr=5e-3)
state, at = None, 0
for step in range(int(sys.argv[1])):
    if at + 13 > len(codes):
        state, at = None, 0
    inputs, targets = codes[at : at + 12], codes[at + 1 : at + 13]
    at += 12
    out, state = lstm(embed(inputs), state)
    state = tuple(part.detach() for part in state)
    loss = nn.functional.cross_entropy(head(out), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
