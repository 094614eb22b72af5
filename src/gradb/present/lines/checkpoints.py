"""What is said of the checkpoints of a live run: which wait, what they hold and cost."""

from __future__ import annotations

from gradb.algebra.figures import bytes_text, counted, number
from gradb.present.options import Checkpoints

_NAMED = 3


def told(kept: Checkpoints) -> str:
    """Return how many wait and where, what they hold, and what making them took; empty where none are wanted."""
    if not kept.most and not kept.places:
        return ""
    count = len(kept.places)
    parts = [f"{count or 'none'} of at most {kept.most} {'waits' if count == 1 else 'wait'}{_where(kept)}"]
    parts += [f"{bytes_text(kept.size)} held by them alone"] if kept.size else []
    parts += [f"{kept.made:,} made, in {number(float(f'{kept.spent:.2g}'))} s of CPU time"] if kept.made else []
    parts += [f"the newest could not be made: {kept.refusal}"] if kept.refusal else []
    if not kept.made and not kept.refusal and kept.due:
        parts.append(f"the first comes after {number(kept.due)} s of the script's CPU time")
    return "; ".join(parts)


def brief(kept: Checkpoints) -> str:
    """Return how many wait, in few words; empty where none are wanted."""
    count = len(kept.places)
    return f"checkpoints: {count or 'none'} of {max(kept.most, count)}" if kept.most or count else ""


def _where(kept: Checkpoints) -> str:
    """Return the iterations at which they wait, of many the first and the last."""
    iterations = [f"{iteration:,}" for iteration, _ in kept.places]
    if not iterations:
        return ""
    if len(iterations) > _NAMED:
        iterations = [f"{iterations[0]}, {iterations[1]} ... {iterations[-1]}"]
    return f" (iteration{'' if len(kept.places) == 1 else 's'} {', '.join(iterations)})"


def price(most: int, bound: int) -> str:
    """Return what keeping checkpoints takes, before any was made."""
    return (
        f"checkpoints are kept from here on, at most {most:,}: copies of the script's process that wait, to open"
        f" iterations from. They take about 5 % of its CPU time, and up to {bound >> 20:,} MiB"
    )


def ended(count: int, used: int) -> str:
    """Return what is said where no more are wanted: how many were let go, and how many are still used."""
    gone = f"; {counted(count, 'checkpoint')} let go" if count else ""
    left = f"; {counted(used, 'checkpoint')} {'stays' if used == 1 else 'stay'} as long as something goes on from it"
    return f"no checkpoints are kept any more{gone}{left if used else ''}"
