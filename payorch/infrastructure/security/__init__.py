"""Secrets and what is derived from them."""
