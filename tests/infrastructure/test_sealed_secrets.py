"""A sealed secret opens with its own key, about its own row, and unchanged; else not at all."""

import pytest

from payorch.domain.errors import SecretUnreadable
from payorch.infrastructure.security.sealed_secrets import AesSecretBox

KEY, OTHER_KEY = "k" * 40, "o" * 40
SECRET = b"twenty secret bytes!"
BOX = AesSecretBox(KEY, purpose="tests")


def test_what_was_sealed_opens_again():
    sealed = BOX.seal(SECRET, about="row:1")

    assert SECRET not in sealed
    assert BOX.open(sealed, about="row:1") == SECRET


def test_the_same_secret_never_looks_the_same():
    assert BOX.seal(SECRET, about="row:1") != BOX.seal(SECRET, about="row:1")


def test_it_cannot_be_moved_to_another_row():
    with pytest.raises(SecretUnreadable):
        BOX.open(BOX.seal(SECRET, about="row:1"), about="row:2")


@pytest.mark.parametrize(
    "other", [AesSecretBox(OTHER_KEY, purpose="tests"), AesSecretBox(KEY, purpose="else")]
)
def test_another_key_or_purpose_opens_nothing(other):
    with pytest.raises(SecretUnreadable):
        other.open(BOX.seal(SECRET, about="row:1"), about="row:1")


def test_each_changed_bit_is_noticed():
    sealed = BOX.seal(SECRET, about="row:1")

    for place in range(len(sealed)):
        changed = sealed[:place] + bytes((sealed[place] ^ 1,)) + sealed[place + 1 :]
        with pytest.raises(SecretUnreadable):
            BOX.open(changed, about="row:1")


@pytest.mark.parametrize("length", range(32))
def test_what_is_cut_off_is_noticed(length):
    with pytest.raises(SecretUnreadable):
        BOX.open(BOX.seal(SECRET, about="row:1")[:length], about="row:1")


def test_a_former_key_still_opens_and_seals_nothing_new():
    sealed = BOX.seal(SECRET, about="row:1")
    renewed = AesSecretBox(OTHER_KEY, [KEY], purpose="tests")

    assert renewed.open(sealed, about="row:1") == SECRET
    with pytest.raises(SecretUnreadable):
        BOX.open(renewed.seal(SECRET, about="row:1"), about="row:1")
