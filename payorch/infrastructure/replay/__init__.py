"""Replays of routing policies on logged orders, in numpy."""
