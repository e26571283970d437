"""Numbers in sentences."""


def numbered(count: int, thing: str) -> str:
    """Like "1 minute" or "2 minutes"."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
