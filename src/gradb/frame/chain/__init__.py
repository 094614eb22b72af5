"""The chain rule on a tape: the record of each node and each product's check, and paths through many nodes."""
