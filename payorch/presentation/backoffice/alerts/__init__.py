"""Alerts about the numbers: what was found, who looked at it, and what is watched."""
