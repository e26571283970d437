"""What a browser calls itself, in two words: enough to tell one's own devices apart.

Order matters: each browser names the older ones that it wants to be taken for as well.
"""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)

_UNKNOWN = "Unknown device"


def device_name(user_agent: str) -> str:
    """Such as "Firefox on Linux". Nothing of the text itself is kept: anybody can write it."""
    browser = _named(user_agent, _BROWSERS)
    system = _named(user_agent, _SYSTEMS)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or _UNKNOWN


def _named(user_agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
