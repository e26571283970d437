"""Hypothesis makes up what customers, providers and staff do; a small model says what must follow.

The model knows nothing of payorch's code: it says from the providers' moods what an attempt or a
refund comes to, and holds that against the books and the providers' ledgers after every step.

- `model.py`: what must follow.
- `shop_floor.py`: two processes of payorch on one database, providers, a clock that is moved.
- `paying.py`, `ending.py`, `refunding.py`, `telling.py`: the steps, by who takes them.
- `agreement.py`: what has to hold after each of them.
- `payment_machine.py`: all of it together, and how everything comes to rest.
"""
