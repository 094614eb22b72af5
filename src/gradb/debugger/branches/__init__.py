"""Branches: runs that begin at a position of another run of the script, with something changed there."""
