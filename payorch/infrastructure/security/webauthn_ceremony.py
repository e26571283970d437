"""WebAuthn by py_webauthn, for the address at which this payorch is reached."""

import ipaddress
import json
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    parse_authentication_credential_json,
    parse_client_data_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from payorch.application.passkeys import Credential
from payorch.domain.login_errors import PasskeyRefused

_CHALLENGE_BYTES = 32
_HANDLE_BYTES = 32
_TIMEOUT_MS = 120_000
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)

_NOT_READABLE = (
    WebAuthnException,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What the library raises for texts that are no answer of a browser, some of it by accident."""


class WebAuthnCeremony:
    """`base_url` names the address; of `other_hosts` those below its host are taken as well."""

    def __init__(self, base_url: str, other_hosts: Sequence[str] = (), *, name: str) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._name = name
        self._is_secure = parts.scheme == "https" or self._host == "localhost"
        below = [host for host in other_hosts if host.endswith(f".{self._host}") and host[0] != "."]
        self._origins = [
            f"{parts.scheme}://{parts.netloc}",
            *(f"{parts.scheme}://{host}" for host in below),
        ]

    @property
    def problem(self) -> str:
        if _is_number(self._host):
            return "Browsers take passkeys for names only: PAYORCH_BASE_URL has a bare IP address."
        if not self._is_secure:
            return "Browsers take passkeys over https only: see PAYORCH_BASE_URL."
        return ""

    def new_challenge(self) -> bytes:
        return secrets.token_bytes(_CHALLENGE_BYTES)

    def creation_options(self, staff: str, challenge: bytes, known: Sequence[Credential]) -> str:
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._name,
            user_name=staff,
            # The password has said who it is; the authenticator need not know by a name of ours.
            user_id=secrets.token_bytes(_HANDLE_BYTES),
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                # So that password managers keep and show it; those that cannot, need not.
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return webauthn.options_to_json(options)

    def request_options(self, challenge: bytes, known: Sequence[Credential]) -> str:
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def challenge_in(self, answer: str) -> bytes:
        try:
            client_data = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
            return bytes(parse_client_data_json(client_data).challenge)
        except _NOT_READABLE:
            raise _refused() from None

    def credential_id_in(self, answer: str) -> bytes:
        try:
            return bytes(parse_authentication_credential_json(answer).raw_id)
        except _NOT_READABLE:
            raise _refused() from None

    def created(self, answer: str, challenge: bytes) -> Credential:
        try:
            made = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origins,
                require_user_verification=True,
            )
            named = json.loads(answer)["response"].get("transports") or ()
            transports = tuple(one for one in named if one in _TRANSPORTS)
        except _NOT_READABLE:
            raise _refused() from None
        return Credential(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            transports=transports,
        )

    def new_sign_count(self, answer: str, challenge: bytes, credential: Credential) -> int:
        try:
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origins,
                credential_public_key=credential.public_key,
                credential_current_sign_count=credential.sign_count,
                require_user_verification=True,
            )
        except _NOT_READABLE:
            raise _refused() from None
        return verified.new_sign_count


def _descriptors(known: Sequence[Credential]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=one.credential_id,
            transports=[AuthenticatorTransport(name) for name in one.transports] or None,
        )
        for one in known
    ]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused() -> PasskeyRefused:
    return PasskeyRefused("The browser's answer was not right for this page. Try again.")
