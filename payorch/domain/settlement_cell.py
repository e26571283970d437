"""A cell of a settlement report as a message may quote it.

The reasons of unreadable lines stay in the books and are read by all staff, while a column may have
been taken for another one: an address of a customer must not come into them.
"""


def shown_cell(text: str, most: int) -> str:
    """The start of it in quotes; of what may be an e-mail address nothing."""
    return "“•••”" if "@" in text or "\uff20" in text else f"“{text.strip()[:most]}”"
