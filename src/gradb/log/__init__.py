"""The packed log between a script and its tape: what the script's process writes, and what is read of it.

A record is there once its length is, which is stored last: whoever is killed at whatever moment loses at most the one
that was being written. It must not know torch, nor what an event means; ``scribe`` turns a log into a tape.
"""
