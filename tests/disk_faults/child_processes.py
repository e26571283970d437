"""The workers of a running web server, found in /proc."""

from pathlib import Path


def workers_of(process_id: int) -> list[int]:
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(child) for child in children.split()]
