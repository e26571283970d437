"""Providers: one folder per connector, and the wall (adapter.py) around all of them."""
