import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.api_key import KeyMode
from payorch.domain.api_key_text import (
    ALPHABET,
    ID_LENGTH,
    SECRET_LENGTH,
    KeyText,
    MistypedKey,
    base62,
    read_key,
)

KEYS = st.builds(
    KeyText.of,
    st.sampled_from(KeyMode),
    st.text(ALPHABET, min_size=ID_LENGTH, max_size=ID_LENGTH),
    st.text(ALPHABET, min_size=SECRET_LENGTH, max_size=SECRET_LENGTH),
)
KEY = KeyText.of(KeyMode.LIVE, "8Fk2mQx1", "s" * SECRET_LENGTH)


@given(KEYS)
def test_a_key_is_read_as_it_was_written(key):
    assert read_key(key.text) == key


@given(KEYS, st.data())
def test_one_wrong_letter_is_noticed(key, data):
    place = data.draw(st.integers(len("po_live_"), len(key.text) - 1))
    letter = data.draw(st.sampled_from(sorted(set(ALPHABET) - {key.text[place]})))

    with pytest.raises(MistypedKey):
        read_key(key.text[:place] + letter + key.text[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        KEY.text[:-1],
        KEY.text + "x",
        KEY.text.replace("po_live", "po_test"),
        f"{KEY.text}\n",
        "po_live_",
        "po_test_" + "\u0663" * 60,
    ],
)
def test_a_key_that_was_cut_or_changed_is_mistyped(text):
    with pytest.raises(MistypedKey):
        read_key(text)


@pytest.mark.parametrize("text", ["", "po_", "Po_live_x", "po_prod_x", "po_01abcdef", "a-token"])
def test_other_texts_are_no_keys(text):
    assert read_key(text) is None


def test_a_key_does_not_print_its_secret():
    assert "sss" not in repr(KEY)


def test_base_62_is_as_long_as_asked_for():
    assert base62(0, 4) == "0000"
    assert base62(61, 2) == "0z"
    assert base62(62, 2) == "10"
    assert len({base62(2**256 - 1, SECRET_LENGTH), base62(2**255, SECRET_LENGTH)}) == 2
