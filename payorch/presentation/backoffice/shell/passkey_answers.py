"""What the script of a page with passkeys is told: what to ask the browser, or what is wrong."""

from flask import Response

from payorch.application.passkeys import Purpose
from payorch.domain.login_errors import PasskeyRefused
from payorch.presentation.problem_details import problem
from payorch.presentation.services import services


def challenge_answer(staff: str, purpose: Purpose, *, session: str) -> Response:
    """A new challenge for this session; 409 with the reason where there is none to give."""
    passkeys = services().passkeys
    ask = passkeys.options_to_register if purpose is Purpose.REGISTER else passkeys.options_to_use
    try:
        options = ask(staff, session=session)
    except PasskeyRefused as error:
        return problem(409, error.code, error.message)
    return Response(options, mimetype="application/json")
