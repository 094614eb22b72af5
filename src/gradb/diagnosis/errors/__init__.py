"""Rules about what torch raised: what it means here, which call is to blame, and what to do."""
