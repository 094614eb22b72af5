"""Births of NaN and infinity in real recordings: where they are, why, and the roads from there."""
