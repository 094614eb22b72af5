"""Runs gradb on an accelerator: ``python -m tests.device``."""
