"""The script's process: started, seeded, run as Python itself would run it, forked and ended; what it prints."""
