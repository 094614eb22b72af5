"""Expectations of command scripts: how they are read, what they can speak of, and when two values are equal."""
