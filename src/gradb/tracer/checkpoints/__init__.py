"""Checkpoints: forked children of the script that wait, and from which a stretch of its run can be lived once more.

A child of ours can do the script no harm: it has descriptors of its own, and may write nowhere but into its own folder.
"""
