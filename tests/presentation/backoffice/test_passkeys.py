"""Passkeys stand in for codes; an answer that is not this session's own, once, opens nothing."""

import copy
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from payorch.application.login_limits import ACCOUNT_LIMIT
from payorch.application.passkeys import CHALLENGE_LIVES, MAX_NAME
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.tables import (
    JournalRow,
    RecoveryCodeRow,
    StaffChallengeRow,
    StaffPasskeyRow,
)
from payorch.presentation.backoffice.shell.step_up import FRESH_FOR
from tests.fakes import FakeClock
from tests.presentation.backoffice.office import NOW
from tests.presentation.backoffice.test_second_factor import (  # noqa: F401 - fixtures
    ACCOUNT,
    BOARD,
    CODE,
    ENROL,
    OLGA,
    Phone,
    enrolled,
    fields_of,
    guarded,
    open_guarded,
    recovery_codes,
    typed,
    with_password,
)
from tests.presentation.backoffice.test_staff_sessions import copied, is_in
from tests.presentation.backoffice.test_step_up import QUESTION, answered
from tests.soft_passkey import SoftPasskey

ADD, REMOVE = f"{ACCOUNT}passkeys/add", f"{ACCOUNT}passkeys/remove"
RENAME = f"{ACCOUNT}passkeys/rename"
CHALLENGE = f"{ACCOUNT}passkeys/challenge"
LOGIN_CHALLENGE = "/admin/login/passkey/challenge"


@pytest.fixture
def clock():
    return FakeClock()


def options(visitor, purpose, *, at=CHALLENGE, token_from=BOARD):
    answer = visitor.post(
        at, {"purpose": purpose}, token_from=token_from, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def login_options(visitor, purpose="use", page=CODE):
    return options(visitor, purpose, at=LOGIN_CHALLENGE, token_from=page)


def added(visitor, passkey, name="Laptop"):
    form = {"name": name, "passkey": passkey.created(options(visitor, "register"))}
    return visitor.post(ADD, form, token_from=BOARD)


def logged_in_by(visitor, answer):
    return visitor.post(CODE, {"passkey": answer}, token_from=CODE)


@pytest.fixture
def passkey():
    return SoftPasskey()


@pytest.fixture
def olga(guarded, passkey):  # noqa: F811 - the fixture
    """Olga, logged in, with a passkey as her only factor."""
    visitor = guarded.logged_in("olga")
    visitor.codes = recovery_codes(added(visitor, passkey))
    return visitor


def actions(office, like="passkey%"):
    with office.database.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                select(JournalRow.action, JournalRow.after)
                .where(JournalRow.action.like(like))
                .order_by(JournalRow.id)
            )
        ]


def count(office, table):
    with office.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def first_id(office):
    with office.database.read() as connection:
        return connection.scalar(select(StaffPasskeyRow.public_id).order_by(StaffPasskeyRow.id))


def removed(visitor, public_id):
    return visitor.post(REMOVE, {"id": public_id}, token_from=BOARD, follow_redirects=True)


def test_a_passkey_lets_in_after_the_password_and_leads_to_the_page_asked_for(
    guarded,  # noqa: F811
    olga,
    passkey,
):
    visitor = with_password(guarded, next=f"{BOARD}?from=mail")
    assert "Use a passkey" in visitor.get(CODE).text
    assert "Code of your app" not in visitor.get(CODE).text

    answer = logged_in_by(visitor, passkey.used(login_options(visitor)))

    assert (answer.status_code, answer.location) == (303, f"{BOARD}?from=mail")
    assert is_in(visitor)
    assert actions(guarded, "logged_in")[-1][1]["second_factor"] == "passkey"
    assert actions(guarded) == [("passkey_registered", {"name": "Laptop"})]


def test_the_first_one_comes_with_recovery_codes_and_ends_other_sessions(
    guarded,  # noqa: F811
    passkey,
):
    other, visitor = guarded.logged_in("olga"), guarded.logged_in("olga")

    codes = recovery_codes(added(visitor, passkey))

    assert len(codes) == 10
    assert (is_in(visitor), is_in(other)) == (True, False)
    half = with_password(guarded)
    typed(half, codes[0])
    assert is_in(half)


def test_another_one_keeps_the_codes_and_stands_in_the_list(guarded, olga):  # noqa: F811
    answer = added(olga, SoftPasskey(), name="  Key   ring ")

    assert answer.status_code == 303
    page = olga.get(ACCOUNT).text
    assert page.index("Laptop") < page.index("Key ring")
    assert page.count("never</td>") == 2
    half = with_password(guarded)
    typed(half, olga.codes[0])
    assert is_in(half)


def test_app_and_passkey_stand_side_by_side(guarded, clock, passkey):  # noqa: F811
    visitor, phone, codes = enrolled(guarded, clock)
    assert recovery_codes(added(visitor, passkey)) == []

    by_code, by_passkey, by_recovery_code = (with_password(guarded) for _ in range(3))
    typed(by_code, phone.code())
    logged_in_by(by_passkey, passkey.used(login_options(by_passkey)))
    typed(by_recovery_code, codes[0])

    assert all(map(is_in, (by_code, by_passkey, by_recovery_code)))


def forged(**changes):
    """An answer of a passkey with the right id, that another key or another place has signed."""

    def answer(passkey, options):
        return replace(copy.copy(passkey), **changes).used(options)

    return answer


def of_another_challenge(passkey, options):
    return passkey.used({**options, "challenge": "A" * 43})


def with_a_part_changed(part):
    def answer(passkey, options):
        told = json.loads(passkey.used(options))
        text = told["response"][part]
        told["response"][part] = text[:-8] + ("A" * 8 if text[-8:] != "A" * 8 else "B" * 8)
        return json.dumps(told)

    return answer


@pytest.mark.parametrize(
    "forge",
    [
        forged(key=SoftPasskey().key),
        forged(origin="https://localhost.evil.example"),
        forged(origin="http://localhost:4322"),
        forged(host="evil.example"),
        forged(verifies_user=False),
        forged(credential_id=b"of nobody at all"),
        of_another_challenge,
        with_a_part_changed("signature"),
        with_a_part_changed("authenticatorData"),
        with_a_part_changed("clientDataJSON"),
        lambda passkey, options: passkey.created(options),
        lambda _passkey, _options: "",
        lambda _passkey, _options: "no JSON",
        lambda _passkey, _options: "[]",
        lambda _passkey, _options: '{"response": {"clientDataJSON": 7}}',
        lambda _passkey, _options: '{"response": null}',
        lambda _passkey, _options: "x" * 20_000,
        lambda _passkey, _options: "[" * 10_000,
    ],
)
def test_a_forged_answer_lets_nobody_in(guarded, olga, passkey, forge):  # noqa: F811
    visitor = with_password(guarded)

    answer = logged_in_by(visitor, forge(passkey, login_options(visitor)))

    assert answer.status_code == 200
    assert "That was wrong" in answer.text
    assert not is_in(visitor)


def test_an_answer_counts_once(guarded, olga, passkey):  # noqa: F811
    first = with_password(guarded)
    before = copied(guarded, first)
    answer = passkey.used(login_options(first))
    logged_in_by(first, answer)
    assert is_in(first)

    logged_in_by(before, answer)

    assert not is_in(before)


def test_an_answer_counts_in_its_own_session_only(guarded, olga, passkey):  # noqa: F811
    victim, thief = with_password(guarded), with_password(guarded)
    answer = passkey.used(login_options(victim))

    logged_in_by(thief, answer)
    assert not is_in(thief)

    logged_in_by(victim, answer)
    assert is_in(victim)


def test_the_answer_to_a_registration_is_no_login_and_the_other_way_round(
    guarded,  # noqa: F811
    olga,
    passkey,
):
    half = with_password(guarded)
    logged_in_by(half, passkey.used(options(olga, "register")))
    assert not is_in(half)

    answer = olga.post(
        ADD,
        {"name": "Two", "passkey": SoftPasskey().created(options(olga, "use"))},
        token_from=BOARD,
    )
    assert answer.status_code == 422
    assert count(guarded, StaffPasskeyRow) == 1


def test_a_challenge_waits_five_minutes_and_no_longer(guarded, clock, olga, passkey):  # noqa: F811
    visitor = with_password(guarded)
    late = passkey.used(login_options(visitor))
    clock.advance(seconds=CHALLENGE_LIVES.total_seconds() + 1)

    logged_in_by(visitor, late)
    assert not is_in(visitor)

    login_options(visitor)
    assert count(guarded, StaffChallengeRow) == 1


@pytest.mark.parametrize("counts", [0, -1])
def test_a_copy_of_a_key_is_told_by_its_count(guarded, olga, passkey, counts):  # noqa: F811
    for _ in range(2):
        visitor = with_password(guarded)
        logged_in_by(visitor, passkey.used(login_options(visitor)))
        assert is_in(visitor)
    clone = with_password(guarded)

    logged_in_by(clone, passkey.used(login_options(clone), counts=counts))

    assert not is_in(clone)


def test_a_synchronized_passkey_never_counts_and_works_all_the_same(
    guarded,  # noqa: F811
    olga,
    passkey,
):
    for _ in range(2):
        visitor = with_password(guarded)
        logged_in_by(visitor, passkey.used(login_options(visitor), counts=0))
        assert is_in(visitor)


def test_somebody_elses_passkey_is_nobodys(guarded, olga, passkey):  # noqa: F811
    finn, finns = guarded.logged_in("finn"), SoftPasskey()
    added(finn, finns)
    visitor = with_password(guarded)
    asked = login_options(visitor)
    assert len(asked["allowCredentials"]) == 1

    logged_in_by(visitor, finns.used(asked))
    assert not is_in(visitor)

    # Nor is a known one registered for a second person.
    refused = added(finn, passkey)
    assert refused.status_code == 422


def test_wrong_answers_lock_the_account_like_wrong_codes(guarded, olga, passkey):  # noqa: F811
    visitor = with_password(guarded)
    for _ in range(ACCOUNT_LIMIT.tries):
        logged_in_by(visitor, "wrong")

    logged_in_by(visitor, passkey.used(login_options(visitor)))

    assert not is_in(visitor)


def test_the_question_who_it_is_takes_a_passkey(guarded, clock, olga, passkey):  # noqa: F811
    clock.advance(seconds=FRESH_FOR.total_seconds() + 1)
    asked = olga.post(ADD, {"x": 1}, token_from=BOARD)
    assert asked.status_code == 403
    assert QUESTION in asked.text
    assert "Use a passkey" in asked.text

    wrong = answered(olga, asked, "wrong", field="step_up_passkey")
    assert wrong.status_code == 403
    assert "That was wrong" in wrong.text
    right = passkey.used(options(olga, "use"))
    done = answered(olga, asked, right, field="step_up_passkey")

    assert done.status_code == 200
    assert "Name of the passkey" in done.text
    clock.advance(seconds=FRESH_FOR.total_seconds() + 1)
    assert QUESTION in answered(olga, asked, right, field="step_up_passkey").text


def test_an_answer_for_one_session_is_none_for_another(guarded, clock, olga, passkey):  # noqa: F811
    other = with_password(guarded)
    logged_in_by(other, passkey.used(login_options(other)))
    clock.advance(seconds=FRESH_FOR.total_seconds() + 1)
    asked = other.post(ADD, {"x": 1}, token_from=BOARD)

    stolen = answered(other, asked, passkey.used(options(olga, "use")), field="step_up_passkey")

    assert stolen.status_code == 403


def test_the_last_one_stays_where_a_factor_is_required(open_guarded, clock, passkey):  # noqa: F811
    office = open_guarded(second_factor="required")
    office.hire("olga")
    half = office.visitor()
    assert half.log_in(OLGA).location == ENROL
    asked = login_options(half, "register", ENROL)
    page = half.post(
        f"{ENROL}/passkey", {"name": "Laptop", "passkey": passkey.created(asked)}, token_from=ENROL
    )
    assert len(recovery_codes(page)) == 10
    assert is_in(half)
    assert actions(office, "logged_in")[-1][1]["second_factor"] == "passkey"

    assert "set up another one first" in removed(half, first_id(office)).text
    assert count(office, StaffPasskeyRow) == 1

    added(half, SoftPasskey(), name="Spare")
    assert "your other second factors stay" in removed(half, first_id(office)).text
    assert count(office, StaffPasskeyRow) == 1
    assert count(office, RecoveryCodeRow) == 10


def test_with_a_passkey_the_app_may_go_where_a_factor_is_required(
    open_guarded,  # noqa: F811
    clock,
    passkey,
):
    office = open_guarded(second_factor="required")
    office.hire("olga")
    visitor = office.visitor()
    visitor.log_in(OLGA)
    page = visitor.get(ENROL)
    phone = Phone(page, clock)
    visitor.post(ENROL, {"draft": fields_of(page)["draft"], "code": phone.code()}, token_from=ENROL)
    gone = f"{ACCOUNT}second-factor/remove"
    refused = visitor.post(gone, token_from=BOARD, follow_redirects=True)
    assert "set up another one" in refused.text
    added(visitor, passkey)

    visitor.post(gone, token_from=BOARD)

    assert "Use a passkey" in with_password(office).get(CODE).text
    assert count(office, RecoveryCodeRow) == 10


def test_removing_the_last_one_where_none_is_required_leaves_the_password(
    guarded,  # noqa: F811
    olga,
    passkey,
):
    other = with_password(guarded)
    logged_in_by(other, passkey.used(login_options(other)))

    page = removed(olga, first_id(guarded)).text

    assert "your password alone" in page
    assert (is_in(olga), is_in(other)) == (True, False)
    assert count(guarded, RecoveryCodeRow) == 0
    assert actions(guarded)[-1] == ("passkey_removed", {"name": "Laptop"})
    assert guarded.visitor().log_in(OLGA).location.endswith("/admin/")
    assert "removed already" in removed(olga, "pk_gone").text


def renamed(visitor, public_id, name):
    return visitor.post(RENAME, {"id": public_id, "name": name}, token_from=BOARD)


def test_a_passkey_gets_another_name_and_works_as_before(guarded, olga, passkey):  # noqa: F811
    asked = olga.post(RENAME, {"id": first_id(guarded)}, token_from=BOARD)
    assert 'name="name" value="Laptop"' in asked.text

    assert renamed(olga, first_id(guarded), "  Old   laptop ").status_code == 303

    assert "Old laptop" in olga.get(ACCOUNT).text
    assert actions(guarded, "passkey_renamed") == [("passkey_renamed", {"name": "Old laptop"})]
    page = guarded.logged_in("ada").get("/admin/journal/").text
    assert "renamed the passkey “Laptop” of olga@example.org “Old laptop”" in page
    visitor = with_password(guarded)
    logged_in_by(visitor, passkey.used(login_options(visitor)))
    assert is_in(visitor)


def test_the_name_that_it_has_is_no_change_and_two_may_have_the_same(guarded, olga):  # noqa: F811
    added(olga, SoftPasskey(), name="Phone")

    assert renamed(olga, first_id(guarded), "Laptop").status_code == 303
    assert actions(guarded, "passkey_renamed") == []
    assert renamed(olga, first_id(guarded), "Phone").status_code == 303
    assert olga.get(ACCOUNT).text.count(">Phone</td>") == 2


@pytest.mark.parametrize("name", ["", "   ", "x" * (MAX_NAME + 1), "two\x00words"])
def test_a_name_that_cannot_be_is_shown_again_with_the_reason(guarded, olga, name):  # noqa: F811
    answer = renamed(olga, first_id(guarded), name)

    assert answer.status_code == 422
    assert f"Give the passkey a name of 1 to {MAX_NAME} characters." in answer.text
    assert f'value="{name}"' in answer.text
    assert actions(guarded, "passkey_renamed") == []


def test_nobody_renames_somebody_elses_nor_learns_that_it_is_there(guarded, olga):  # noqa: F811
    finn = guarded.logged_in("finn")

    answers = [renamed(finn, public_id, "Mine") for public_id in (first_id(guarded), "pk_none")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "Laptop" not in answers[0].text
    assert "Laptop" in olga.get(ACCOUNT).text
    assert actions(guarded, "passkey_renamed") == []


def test_renaming_asks_who_it_is_and_keeps_the_name(guarded, clock, olga, passkey):  # noqa: F811
    clock.advance(seconds=FRESH_FOR.total_seconds() + 1)

    asked = renamed(olga, first_id(guarded), "Old laptop")
    assert (asked.status_code, QUESTION in asked.text) == (403, True)
    assert "Laptop" in olga.get(ACCOUNT).text
    right = passkey.used(options(olga, "use"))
    answered(olga, asked, right, field="step_up_passkey")

    assert "Old laptop" in olga.get(ACCOUNT).text


def test_nobody_removes_somebody_elses(guarded, olga):  # noqa: F811
    removed(guarded.logged_in("finn"), first_id(guarded))

    assert count(guarded, StaffPasskeyRow) == 1


def test_a_half_login_adds_no_passkey_to_who_has_a_factor(guarded, olga):  # noqa: F811
    half, own = with_password(guarded), SoftPasskey()
    asked = login_options(half, "register")

    answer = half.post(
        f"{ENROL}/passkey", {"name": "Evil", "passkey": own.created(asked)}, token_from=CODE
    )

    assert (answer.status_code, answer.location) == (303, CODE)
    assert count(guarded, StaffPasskeyRow) == 1


def test_adding_and_removing_ask_who_is_there(guarded, clock, olga):  # noqa: F811
    clock.advance(seconds=FRESH_FOR.total_seconds() + 1)

    assert QUESTION in added(olga, SoftPasskey()).text
    assert QUESTION in removed(olga, first_id(guarded)).text
    assert count(guarded, StaffPasskeyRow) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * (MAX_NAME + 1), "right\u202eto left"])
def test_a_name_is_short_and_not_empty(guarded, name):  # noqa: F811
    answer = added(guarded.logged_in("olga"), SoftPasskey(), name=name)

    assert answer.status_code == 422
    assert count(guarded, StaffPasskeyRow) == 0


def test_a_registration_without_a_verified_user_is_refused(guarded):  # noqa: F811
    answer = added(guarded.logged_in("olga"), SoftPasskey(verifies_user=False))

    assert answer.status_code == 422
    assert count(guarded, StaffPasskeyRow) == 0


def by_the_administrator(office):
    ada, person = office.logged_in("ada"), f"/admin/staff/{OLGA}"
    assert "passkeys: 1; recovery codes left: 10." in ada.get(person).text
    ada.post(f"{person}/second-factor/remove", {"reason": "Her phone is lost"}, token_from=BOARD)


def by_the_command(office):
    assert StaffAccounts(office.database).reset_factor(OLGA, at=NOW + timedelta(hours=1))


@pytest.mark.parametrize("remove_all", [by_the_administrator, by_the_command])
def test_who_has_lost_it_is_helped_by_removing_all_of_it(guarded, olga, remove_all):  # noqa: F811
    remove_all(guarded)

    assert count(guarded, StaffPasskeyRow) == 0
    assert count(guarded, RecoveryCodeRow) == 0
    assert not is_in(olga)


@pytest.mark.parametrize(
    ("base_url", "words"),
    [("http://127.0.0.1:4321", "bare IP address"), ("http://pay.example.org", "over https only")],
)
def test_where_browsers_take_none_the_page_says_so(open_guarded, base_url, words):  # noqa: F811
    office = open_guarded(base_url=base_url)
    visitor = office.logged_in("olga")

    assert words in visitor.get(ACCOUNT).text
    refused = visitor.post(CHALLENGE, {"purpose": "register"}, token_from=BOARD)
    assert refused.status_code == 409
    assert words in refused.get_json()["detail"]
