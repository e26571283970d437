"""Alerts about the numbers: what makes one, how it is told, and what staff do with it."""
