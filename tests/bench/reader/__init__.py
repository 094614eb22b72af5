"""How long a key takes on a long tape: tapes made without torch, movements, and how each is timed."""
