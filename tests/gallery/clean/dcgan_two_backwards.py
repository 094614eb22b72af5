"""The DCGAN recipe: two backwards for the discriminator (real and fake) add up, then one step.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(1)
netG = nn.Sequential(nn.ConvTranspose2d(4, 3, 4), nn.BatchNorm2d(3), nn.ReLU(), nn.ConvTranspose2d(3, 1, 3), nn.Tanh())
netD = nn.Sequential(nn.Conv2d(1, 3, 3), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(3, 1, 4), nn.Sigmoid())
criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
for i in range(5):
    netD.zero_grad()
    label = torch.full((4,), 1.0)
    errD_real = criterion(netD(torch.rand(4, 1, 6, 6)).view(-1), label)
    errD_real.backward()
    fake = netG(torch.randn(4, 4, 1, 1))
    label.fill_(0.0)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(1.0)
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optimizerG.step()
