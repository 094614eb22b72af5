"""Rules about how a script trains: provable faults are warnings, what depends on intent is a hint."""
