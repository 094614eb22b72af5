"""What is said of a position that a script was only watched at, in place of there being nothing."""

from __future__ import annotations

from gradb.frame.training import Training


def only_watched(training: Training) -> str:
    """Return why ops, nodes and gradients of a position are not known that was only watched; empty where it was not."""
    if training.depth is None:
        return ""
    words = f"only watched since iteration {training.depth.iteration:,}: ops, nodes and gradients are not recorded"
    if training.is_over or not training.iteration:
        return words
    words = f"{words}; `relive {training.iteration}` has iteration {training.iteration:,} in full"
    return words if training.is_finished else f"{words}, while the script goes on only from a checkpoint before it"


def none_yet(words: str, training: Training) -> str:
    """Return a sentence about there being nothing so far, or that it is not known where some was only watched before.

    Args:
        words: the sentence, true of what is recorded.
        training: at the position.
    """
    if (unseen := only_watched(training)) or training.watched is None:
        return unseen or words
    since = f"since iteration {training.watched.iteration:,}"
    return f"nothing of it is recorded so far: before this the script was only watched, {since}"
