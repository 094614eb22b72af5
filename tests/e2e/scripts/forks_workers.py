import torch
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor(float(index)) ** 2


w = torch.tensor(1.0, requires_grad=True)
for batch in DataLoader(Squares(), batch_size=4, num_workers=2):
    loss = (w * batch).sum()
    loss.backward()
    print(batch.tolist(), w.grad)
