"""The passwords that everybody uses, from a file of our own: nothing is asked over the network.

Where the file comes from stands in docs/vendored.md.
"""

import gzip
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("common_passwords.txt.gz")


@cache
def common_passwords() -> frozenset[str]:
    """In lower case. Read when a password is chosen, and never for a login."""
    return frozenset(gzip.decompress(_FILE.read_bytes()).decode("ascii").splitlines())
