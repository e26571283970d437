"""A deterministic simulator of payorch: one seed is one story, and it can be told again exactly.

The real use cases run on the real SQL (SQLite in memory). What would differ from run to run is
replaced: time, ids, chance, the network, the providers, the order in which things happen, and the
moments at which processes die. All of it follows from one number, the seed.

How a story goes (`world.py` puts it together):

- `scheduler.py`: tasks are greenlets on a virtual clock. They switch only at seams: a checkpoint,
  the edge of a database transaction, a provider's call, a sleep. Between two seams nothing else
  runs, so a run depends on the seed alone.
- `lives.py`: web and worker processes. One may die at any seam, also just before or just after a
  commit; its tasks die with it, what they held in memory is gone, and a new life starts.
- `provider.py`, `network.py`: providers with a ledger of their own and declared capabilities, and
  the way to them: requests that get lost or land long after the caller gave up, answers that
  break, lie about the amount or never come.
- `shoppers.py`, `workers.py`: who acts. Customers press "Pay" twice, come back, or walk away.
- `weather.py`: how much goes wrong in this story. In the end the sky clears: faults stop, and the
  workers run until nothing is left to do.
- `oracle.py`: compares what the providers captured, what the books say and what people were told.

`mutants.py` breaks payorch on purpose, one rule at a time: a simulator that does not notice is
worth nothing. `machine/` is another way to look for trouble: Hypothesis makes up the steps.

    python -m tests.simulation --seeds 1000            # look for trouble
    python -m tests.simulation --start 42 --seeds 1 --trace   # read one story
    python -m tests.simulation --start 42 --seeds 1 --crash-at 17 --trace
"""
