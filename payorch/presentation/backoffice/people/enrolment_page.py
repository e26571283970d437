"""What is shown of a new secret, this once: as a picture, and to be typed."""

from dataclasses import dataclass, field

import segno

from payorch.application.second_factor import Draft
from payorch.domain.one_time_code import secret_as_text, secret_as_uri

ISSUER = "payorch"
"""How the account is called in the app."""

_DOTS_PER_MODULE = 4
_GROUP = 4


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """`picture` is a data: URL, which the security policy allows for pictures."""

    picture: str = field(repr=False)
    picture_size: int
    text: str = field(repr=False)
    draft: str = field(repr=False)


def shown_secret(staff: str, draft: Draft) -> ShownSecret:
    code = segno.make_qr(secret_as_uri(draft.secret, account=staff, issuer=ISSUER), error="m")
    text = secret_as_text(draft.secret)
    return ShownSecret(
        # White around it in the dark, too: phones do not read it otherwise.
        code.svg_data_uri(scale=_DOTS_PER_MODULE, dark="#000", light="#fff"),
        int(code.symbol_size(scale=_DOTS_PER_MODULE)[0]),
        " ".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP)),
        draft.sealed,
    )
