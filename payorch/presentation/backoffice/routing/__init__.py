"""Providers and the board on which ops put them in order."""
