"""Spares the seeding of devices that are missing: for each of them torch keeps the whole stack as text, for later."""

from __future__ import annotations

from typing import Any

import torch


def seed_what_there_is() -> None:
    """Have ``torch.manual_seed`` pass over devices that are missing; the numbers of all others are the same."""
    devices: tuple[Any, ...] = (torch.cuda, torch.xpu, torch.mtia)
    for device in devices:
        if not device.is_available():
            device.manual_seed_all = _pass_over


def _pass_over(seed: int) -> None:
    """Seed nothing."""
