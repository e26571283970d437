"""Second factors, counted like passwords: codes are short, and could be guessed."""

from payorch.application.second_factor import FactorUsed
from payorch.presentation.backoffice import access_records
from payorch.presentation.services import services

MAX_TYPED = 40


def factor_used(staff: str, typed: str) -> FactorUsed | None:
    """What was typed, used up by this; None when it is wrong or the account is locked.

    Raises TooManyLogins when too many logins failed from this network.
    """
    attempt = access_records.count_login(staff)
    used = services().second_factors.check(staff, typed[:MAX_TYPED]) if attempt.is_open else None
    if used is None:
        access_records.note_wrong_code(attempt, staff)
    else:
        access_records.note_right_password(attempt)
    return used


def passkey_used(staff: str, answer: str, *, session: str) -> bool:
    """Whether a browser's answer is right, used up by this. Raises like `factor_used`.

    `session` is what the challenge was given to.
    """
    attempt = access_records.count_login(staff)
    is_right = attempt.is_open and services().passkeys.check(staff, answer, session=session)
    if is_right:
        access_records.note_right_password(attempt)
    else:
        access_records.note_wrong_code(attempt, staff)
    return is_right
