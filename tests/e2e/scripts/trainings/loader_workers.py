"""A DataLoader with worker processes, that end with each epoch."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noise(Dataset):
    def __len__(self):
        return 120

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        x = torch.randn(4, generator=generator)
        return x, x[:1] * 2


def main():
    torch.manual_seed(3)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    left = int(sys.argv[1])
    while left > 0:
        for inputs, targets in DataLoader(Noise(), batch_size=8, shuffle=True, num_workers=1):
            if left <= 0:
                break
            loss = (model(inputs) - targets).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            left -= 1
            print(left, loss.item())


if __name__ == "__main__":
    main()
