"""Kills whatever takes part in a run, at random moments; see ``__main__``."""
