"""CPU time of processes, as the kernel counts it."""

import os
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def family_of(process_id: int) -> list[int]:
    """The process and all that descend from it now."""
    found = [process_id]
    # A process may end while it is looked at; its time then counts as its parent's.
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process_id}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family_of(int(child))
    return found


def cpu_ms(process_id: int) -> float:
    """User and system time of the process and its family, ended children included."""
    return sum(_own_ms(member) for member in family_of(process_id))


def _own_ms(process_id: int) -> float:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The command's name may hold blanks and brackets; the numbers follow the last one.
    fields = status.rpartition(")")[2].split()
    utime, stime, children_utime, children_stime = (int(value) for value in fields[11:15])
    return (utime + stime + children_utime + children_stime) * 1000 / _TICKS_PER_S
