"""Tensors and nodes as the tape knows them: ids that keep nothing alive, names, values, what nodes saved.

It reads torch and changes nothing. It must not know why somebody asks, nor when an event is due.
"""
