"""Customers: one line for each e-mail address, its orders, and forgetting it."""
