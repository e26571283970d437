"""Background jobs: how the queues stand, and what to do with jobs that are dead."""
