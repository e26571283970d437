"""API keys as the list shows them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from payorch.domain.api_key import ApiKey, KeyMode, KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    key: ApiKey
    state: str
    tone: str
    may_rotate: bool
    may_revoke: bool


def key_lines(keys: Sequence[ApiKey], mode: KeyMode, now: datetime) -> list[KeyLine]:
    """Those that open something come first. `mode` is this installation's."""
    active = Counter(key.name for key in keys if key.state(now) is KeyState.ACTIVE)
    lines = [_line(key, mode, now, is_alone=active[key.name] == 1) for key in keys]
    return sorted(lines, key=lambda line: not line.may_revoke)


def _line(key: ApiKey, mode: KeyMode, now: datetime, *, is_alone: bool) -> KeyLine:
    state, tone = _state(key, mode, now)
    is_active = key.state(now) is KeyState.ACTIVE
    return KeyLine(
        key=key,
        state=state,
        tone=tone,
        may_rotate=is_active and is_alone and key.mode is mode,
        may_revoke=is_active,
    )


def _state(key: ApiKey, mode: KeyMode, now: datetime) -> tuple[str, str]:
    match key.state(now):
        case KeyState.REVOKED:
            return "revoked", "danger"
        case KeyState.EXPIRED:
            return "expired", "neutral"
        case KeyState.ACTIVE if key.mode is not mode:
            return "not for here", "warning"
        case KeyState.ACTIVE if key.replaced_by is not None:
            return "being replaced", "warning"
        case KeyState.ACTIVE:
            return "active", "success"
