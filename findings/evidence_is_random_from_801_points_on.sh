#!/usr/bin/env bash
# With: gpytorch 1.15.2 with torch 2.13.0
# Guess: the marginal likelihood of an exact Gaussian process is a number: the same data and parameters give the same
#   loss and gradient, up to rounding, at 800 points as at 801.
# Seen: up to 800 points they are the same to the last digit at each call. From 801 on (settings.max_cholesky_size) the
#   log determinant is estimated with random vectors: three calls differ by 0.001 in the loss and by 1 % and more in the
#   gradient, in float64 too, and draw from the global generator. With max_cholesky_size(2000) they are the same again.
# Matters: One point more makes LBFGS and line searches fail on a noisy loss, and gradcheck on a right gradient.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 gpytorch==1.15.2 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import gpytorch
import torch


class Process(gpytorch.models.ExactGP):
    """An exact Gaussian process with a constant mean and a scaled RBF kernel."""

    def __init__(self, inputs, targets, likelihood):
        super().__init__(inputs, targets, likelihood)
        self.mean = gpytorch.means.ConstantMean()
        self.covariance = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

    def forward(self, inputs):
        return gpytorch.distributions.MultivariateNormal(self.mean(inputs), self.covariance(inputs))


def evidence(points, dtype, seed):
    """Return the loss of one set of data, and its gradient by the length scale."""
    torch.manual_seed(0)
    inputs = torch.rand(points, 2, dtype=dtype)
    targets = torch.sin(6 * inputs[:, 0]) + 0.1 * torch.randn(points, dtype=dtype)
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    process = Process(inputs, targets, likelihood).to(dtype).train()
    likelihood.train()
    likelihood_of_data = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, process)
    torch.manual_seed(seed)
    loss = -likelihood_of_data(process(inputs), targets)
    loss.backward()
    return loss.item(), process.covariance.base_kernel.raw_lengthscale.grad.item()


def spread(points, dtype):
    losses, gradients = zip(*(evidence(points, dtype, seed) for seed in (0, 1, 2)), strict=True)
    print(f"{points} points, {dtype}: losses {[round(x, 6) for x in losses]}, gradients {[round(x, 6) for x in gradients]}")
    return max(losses) - min(losses), (max(gradients) - min(gradients)) / max(gradients)


assert spread(800, torch.float32) == (0, 0)
for dtype in (torch.float32, torch.float64):
    loss, gradient = spread(801, dtype)
    assert loss > 1e-4 and gradient > 0.01
with gpytorch.settings.max_cholesky_size(2000):
    assert spread(801, torch.float32) == (0, 0)
PY
