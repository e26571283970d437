"""Why a login goes no further now, besides being wrong. Nothing was decided about the person."""

from payorch.domain.errors import PayorchError


class LoginBusy(PayorchError):
    """Too many passwords are being checked at once; this one was not looked at."""

    code = "login_busy"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PasskeyRefused(PayorchError):
    """A passkey cannot be registered, used or removed like that; the message says why."""

    code = "passkey_refused"
