"""Who has a second factor cannot be logged in as by who only knows the password."""

import base64
import html
import re

import pytest
from sqlalchemy import select

from payorch.application.login_limits import ACCOUNT_LIMIT, SENDER_LIMIT
from payorch.domain.one_time_code import STEP_S, code_of, step_at
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.tables import (
    JournalRow,
    RecoveryCodeRow,
    StaffFactorRow,
    StaffSessionRow,
)
from payorch.presentation.backoffice.login_steps import HALF_LOGIN_LIVES
from payorch.presentation.backoffice.shell.step_up import FRESH_FOR
from tests.fakes import FakeClock, fake_time
from tests.presentation.backoffice.office import NOW, PASSWORD
from tests.presentation.backoffice.test_staff_sessions import copied, is_in, told
from tests.presentation.backoffice.test_step_up import answered

ACCOUNT = "/admin/account/"
BOARD = "/admin/routing/"
CODE = "/admin/login/code"
ENROL = "/admin/login/enrol"
OLGA = "olga@example.org"


class Phone:
    """An authenticator app that has read the picture of a page."""

    def __init__(self, page, clock):
        key = re.search(r'class="factor-key">([A-Z2-7 ]+)<', page.text)[1].replace(" ", "")
        self.secret = base64.b32decode(key)
        self._clock = clock

    def code(self, *, steps=0):
        return code_of(self.secret, step_at(self._clock.now()) + steps)


def fields_of(page):
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
        if name != "csrf_token"
    }


def recovery_codes(page):
    shown = re.search(r"data-recovery-codes.*?</ul>", page.text, re.DOTALL)
    return re.findall(r"<code>([^<]+)</code>", shown[0]) if shown else []


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def open_guarded(open_office, database_url, clock):
    def open_one(**settings):
        office = open_office(database_url, seams=fake_time(clock), **settings)
        office.app.extensions["security"].pwd_context.update(
            argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1
        )
        return office

    return open_one


@pytest.fixture
def guarded(open_guarded):
    return open_guarded()


def enrolled(office, clock, name="olga"):
    """A visitor that is logged in, their phone, and their recovery codes."""
    visitor = office.logged_in(name)
    page = visitor.post(f"{ACCOUNT}second-factor", token_from=BOARD)
    phone = Phone(page, clock)
    done = visitor.post(
        f"{ACCOUNT}second-factor",
        {"draft": fields_of(page)["draft"], "code": phone.code()},
        token_from=BOARD,
    )
    # A code counts once: the next login is in the next half minute.
    clock.advance(seconds=STEP_S)
    return visitor, phone, recovery_codes(done)


def with_password(office, email=OLGA, **fields):
    visitor = office.visitor()
    answer = visitor.log_in(email, **fields)
    assert answer.location == CODE
    return visitor


def typed(visitor, code):
    return visitor.post(CODE, {"code": code}, token_from=CODE)


def actions(office, like="%"):
    with office.database.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                select(JournalRow.actor, JournalRow.action, JournalRow.reason)
                .where(JournalRow.action.like(like))
                .order_by(JournalRow.id)
            )
        ]


def test_the_password_alone_lets_nobody_in_and_the_code_leads_to_the_page_asked_for(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    visitor = with_password(guarded, next=f"{BOARD}?from=mail")
    assert not is_in(visitor)

    answer = typed(visitor, phone.code())

    assert (answer.status_code, answer.location) == (303, f"{BOARD}?from=mail")
    assert is_in(visitor)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_the_second_step_leads_to_no_other_site(guarded, clock, target):
    _, phone, _ = enrolled(guarded, clock)
    visitor = guarded.visitor()
    visitor.log_in(OLGA, next=target)

    assert typed(visitor, phone.code()).location in {"/admin/", "/admin/login"}


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_one_step_off(guarded, clock, steps, is_taken):
    _, phone, _ = enrolled(guarded, clock)
    clock.advance(seconds=2 * STEP_S)
    visitor = with_password(guarded)

    typed(visitor, phone.code(steps=steps))

    assert is_in(visitor) == is_taken


def test_a_code_that_was_used_is_refused(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    code = phone.code()
    typed(with_password(guarded), code)
    other = with_password(guarded)

    answer = typed(other, code)

    assert "wrong or was used before" in answer.text
    assert not is_in(other)


def test_the_code_that_set_it_up_is_used_up(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    visitor = with_password(guarded)

    typed(visitor, phone.code(steps=-1))

    assert not is_in(visitor)


def test_a_recovery_code_lets_in_once(guarded, clock):
    _, _, codes = enrolled(guarded, clock)
    first, second = with_password(guarded), with_password(guarded)
    assert len(set(codes)) == 10

    typed(first, codes[3].upper().replace("-", " "))
    typed(second, codes[3])

    assert (is_in(first), is_in(second)) == (True, False)
    assert "9 recovery codes left" in first.get(ACCOUNT).text
    assert [action for _, action, _ in actions(guarded, "recovery%")] == ["recovery_code_used"]


def test_a_recovery_code_is_of_one_person_only(guarded, clock):
    _, _, codes = enrolled(guarded, clock, "vera")
    enrolled(guarded, clock)
    visitor = with_password(guarded)

    typed(visitor, codes[0])

    assert not is_in(visitor)


def test_new_recovery_codes_void_the_former_ones(guarded, clock):
    olga, _, former = enrolled(guarded, clock)

    codes = recovery_codes(olga.post(f"{ACCOUNT}recovery-codes", token_from=BOARD))

    assert len(codes) == 10
    visitor = with_password(guarded)
    typed(visitor, former[0])
    assert not is_in(visitor)
    typed(visitor, codes[0])
    assert is_in(visitor)


def test_codes_cannot_be_guessed_not_even_by_typing_the_password_in_between(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    for _ in range(ACCOUNT_LIMIT.tries):
        typed(with_password(guarded), "000000")

    visitor = guarded.visitor()
    visitor.log_in(OLGA)
    answer = typed(visitor, phone.code())

    assert not is_in(visitor)
    assert answer.status_code == 303
    failed = actions(guarded, "login_%")
    assert failed.count(("visitor", "login_failed", "wrong code")) == ACCOUNT_LIMIT.tries
    assert [action for _, action, _ in failed].count("login_locked") == 1


def test_a_right_code_forgets_the_failed_ones(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    for _ in range(2):
        visitor = with_password(guarded)
        for _ in range(ACCOUNT_LIMIT.tries - 1):
            typed(visitor, "000000")
        typed(visitor, phone.code())
        assert is_in(visitor)
        clock.advance(seconds=STEP_S)


def test_codes_of_one_network_are_limited(guarded, clock):
    enrolled(guarded, clock)
    enrolled(guarded, clock, "vera")
    for email in (OLGA, "vera@example.org", "nobody@example.org"):
        visitor = guarded.visitor()
        for _ in range(ACCOUNT_LIMIT.tries):
            visitor.log_in(email, "wrong password, sorry")

    assert SENDER_LIMIT.tries == 3 * ACCOUNT_LIMIT.tries
    assert guarded.visitor().log_in(OLGA).status_code == 429


def test_a_half_login_does_not_wait_for_ever(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    visitor = with_password(guarded)

    clock.advance(seconds=HALF_LOGIN_LIVES.total_seconds())

    assert typed(visitor, phone.code()).location == "/admin/login"
    assert not is_in(visitor)


def test_a_half_login_ends_with_the_password_and_with_the_account(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)
    visitor = with_password(guarded)

    StaffAccounts(guarded.database).set_password(OLGA, "another fine password", at=NOW)

    assert typed(visitor, phone.code()).location == "/admin/login"
    assert not is_in(visitor)


def test_a_new_password_does_not_get_around_the_second_factor(guarded, clock):
    enrolled(guarded, clock)

    StaffAccounts(guarded.database).set_password(OLGA, "another fine password", at=NOW)

    assert guarded.visitor().log_in(OLGA, "another fine password").location == CODE


@pytest.mark.parametrize("way", [CODE, ENROL])
def test_the_second_step_is_nothing_without_the_first(guarded, clock, way):
    _, phone, _ = enrolled(guarded, clock)
    visitor = guarded.visitor()

    assert visitor.get(way).location == "/admin/login"
    assert visitor.post(way, {"code": phone.code()}).location == "/admin/login"
    assert not is_in(visitor)


def test_a_copied_half_login_sets_up_no_other_phone(open_guarded, clock):
    office = open_guarded(second_factor="required")
    visitor = office.visitor()
    visitor.log_in(office.hire("olga"))
    thief = copied(office, visitor)
    draft = thief.get(ENROL)
    page = visitor.get(ENROL)
    visitor.post(ENROL, fields_of(page) | {"code": Phone(page, clock).code()}, token_from=ENROL)

    answer = thief.post(ENROL, fields_of(draft) | {"code": Phone(draft, clock).code()})

    assert answer.location == CODE
    assert not is_in(thief)


def test_where_it_is_required_nothing_else_can_be_reached_before(open_guarded, clock):
    office = open_guarded(second_factor="required")
    visitor = office.visitor()
    assert visitor.log_in(office.hire("ada")).location == ENROL
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(ENROL).text)[1]

    reached = set()
    for rule in office.app.url_map.iter_rules():
        if not str(rule).startswith("/admin") or rule.endpoint.endswith("static"):
            continue
        values = {
            name: 1 if "Integer" in type(converter).__name__ else "alpha"
            for name, converter in rule._converters.items()
        }
        with office.app.test_request_context():
            path = office.app.url_map.bind("localhost").build(rule.endpoint, values)
        for method in {"GET", "POST"} & rule.methods:
            answer = visitor.client.open(path, method=method, data={"csrf_token": token})
            if answer.status_code != 302 or not answer.location.startswith("/admin/login"):
                reached.add((str(rule), method, answer.status_code))
    allowed = {
        ("/admin/login", "GET", 200),
        ("/admin/login", "POST", 200),
        ("/admin/login/enrol", "GET", 200),
        ("/admin/login/enrol", "POST", 422),
        ("/admin/login/enrol/passkey", "POST", 422),
        # A challenge: it proves nothing until it is answered.
        ("/admin/login/passkey/challenge", "POST", 200),
        ("/admin/login/code", "GET", 303),
        ("/admin/login/code", "POST", 303),
        # Light or dark: a cookie, which a visitor may set too.
        ("/admin/appearance", "POST", 400),
    }

    assert reached <= allowed, reached - allowed
    page = visitor.get(ENROL)
    done = visitor.post(
        ENROL, fields_of(page) | {"code": Phone(page, clock).code()}, token_from=ENROL
    )
    assert len(recovery_codes(done)) == 10
    assert is_in(visitor)


def test_a_wrong_first_code_keeps_the_key(open_guarded, clock):
    office = open_guarded(second_factor="required")
    visitor = office.visitor()
    visitor.log_in(office.hire("olga"))
    page = visitor.get(ENROL)

    again = visitor.post(ENROL, fields_of(page) | {"code": "000000"}, token_from=ENROL)

    assert again.status_code == 422
    assert "not the code that the app shows" in again.text
    assert Phone(again, clock).secret == Phone(page, clock).secret
    assert visitor.post(ENROL, {"draft": "x", "code": "1"}, token_from=ENROL).status_code == 422


def test_a_session_from_before_it_was_required_ends(open_guarded, open_office, database_url, clock):
    olga = open_guarded().logged_in("olga")
    stricter = open_office(
        database_url, seams=fake_time(clock), is_new=False, second_factor="required"
    )

    moved = copied(stricter, olga)

    assert told(moved) == "You were logged out because a second factor is needed now."


def test_it_is_required_in_production_only_unless_one_says_otherwise():
    from payorch.config import Settings

    assert not Settings().requires_second_factor
    assert Settings(env="production").requires_second_factor
    assert not Settings(env="production", second_factor="optional").requires_second_factor
    assert Settings(second_factor="required").requires_second_factor


def test_the_secret_is_nowhere_in_the_clear(guarded, clock):
    olga, phone, codes = enrolled(guarded, clock)

    with guarded.database.read() as connection:
        kept = [
            value
            for table in (StaffFactorRow, RecoveryCodeRow, JournalRow, StaffSessionRow)
            for row in connection.execute(select(table.__table__))
            for value in row
        ]
    kept += [cookie.decoded_value for cookie in olga.client._cookies.values()]
    text = base64.b32encode(phone.secret).decode()
    assert all(phone.secret not in value for value in kept if isinstance(value, bytes))
    for secret in (text, phone.secret.hex(), *codes, *(c.replace("-", "") for c in codes)):
        assert all(secret not in str(value) for value in kept)
    for page in (ACCOUNT, BOARD):
        assert text[:4] not in olga.get(page).text


def test_setting_it_up_ends_the_other_sessions_and_renews_this_one(guarded, clock):
    other = guarded.logged_in("olga")

    olga, _, _ = enrolled(guarded, clock)

    assert is_in(olga)
    assert told(other) == "You were logged out because your second factor was changed."


def test_another_phone_takes_the_place_of_the_first(guarded, clock):
    olga, first, _ = enrolled(guarded, clock)
    page = olga.post(f"{ACCOUNT}second-factor", token_from=BOARD)
    second = Phone(page, clock)

    olga.post(
        f"{ACCOUNT}second-factor",
        fields_of(page) | {"code": second.code()},
        token_from=BOARD,
    )

    clock.advance(seconds=STEP_S)
    visitor = with_password(guarded)
    typed(visitor, first.code())
    assert not is_in(visitor)
    typed(visitor, second.code())
    assert is_in(visitor)


def test_a_draft_of_somebody_else_is_not_taken(guarded, clock):
    vera, olga = guarded.logged_in("vera"), guarded.logged_in("olga")
    page = vera.post(f"{ACCOUNT}second-factor", token_from=BOARD)

    answer = olga.post(
        f"{ACCOUNT}second-factor",
        fields_of(page) | {"code": Phone(page, clock).code()},
        token_from=BOARD,
    )

    assert answer.status_code == 422


def test_changing_it_asks_who_is_there(guarded, clock):
    olga = guarded.logged_in("olga")
    clock.advance(seconds=FRESH_FOR.total_seconds())

    question = olga.post(f"{ACCOUNT}second-factor", token_from=BOARD)

    assert question.status_code == 403
    assert "Password of olga@example.org" in question.text
    assert 'class="factor-key"' in answered(olga, question).text


def test_who_has_one_is_asked_for_a_code_not_for_the_password(guarded, clock):
    olga, phone, _ = enrolled(guarded, clock)
    clock.advance(seconds=FRESH_FOR.total_seconds())
    question = olga.post(f"{ACCOUNT}recovery-codes", token_from=BOARD)

    refused = answered(olga, question, PASSWORD)
    done = answered(olga, question, "000000", field="step_up_code")
    assert {refused.status_code, done.status_code} == {403}
    done = answered(olga, question, phone.code(), field="step_up_code")

    assert len(recovery_codes(done)) == 10


def test_a_copied_cookie_does_not_live_on_after_the_step_up(guarded, clock):
    olga, phone, _ = enrolled(guarded, clock)
    clock.advance(seconds=FRESH_FOR.total_seconds())
    question = olga.post(f"{ACCOUNT}recovery-codes", token_from=BOARD)
    thief = copied(guarded, olga)

    answered(olga, question, phone.code(), field="step_up_code")
    clock.advance(seconds=11)

    assert (is_in(olga), is_in(thief)) == (True, False)


def test_ones_own_is_removed_where_it_is_not_required(guarded, clock):
    olga, _, _ = enrolled(guarded, clock)

    olga.post(f"{ACCOUNT}second-factor/remove", token_from=BOARD)

    assert is_in(olga)
    assert guarded.visitor().log_in(OLGA).location == "/admin/"


def test_ones_own_is_not_removed_where_it_is_required(open_guarded, clock):
    office = open_guarded(second_factor="required")
    visitor = office.visitor()
    visitor.log_in(office.hire("olga"))
    page = visitor.get(ENROL)
    visitor.post(ENROL, fields_of(page) | {"code": Phone(page, clock).code()}, token_from=ENROL)

    answer = visitor.post(f"{ACCOUNT}second-factor/remove", token_from=BOARD, follow_redirects=True)

    assert "A second factor is required here" in answer.text
    assert office.visitor().log_in(OLGA).location == CODE


def test_an_administrator_removes_a_lost_one_with_a_reason_after_a_step_up(guarded, clock):
    olga, _, _ = enrolled(guarded, clock)
    ada = guarded.logged_in("ada")
    page = f"/admin/staff/{OLGA}"
    nothing = ada.post(f"{page}/second-factor/remove", {"reason": " "}, follow_redirects=True)
    assert "Say why" in nothing.text
    clock.advance(seconds=FRESH_FOR.total_seconds())

    question = ada.post(f"{page}/second-factor/remove", {"reason": "The phone was stolen"})
    assert "Is it you?" in question.text
    assert guarded.visitor().log_in(OLGA).location == CODE
    answered(ada, question)

    assert told(olga) == "You were logged out because your second factor was changed."
    assert guarded.visitor().log_in(OLGA).location == "/admin/"
    assert ("ada@example.org", "second_factor_removed", "The phone was stolen") in actions(guarded)
    journal = ada.get("/admin/journal/").text
    assert f"removed the second factor of {OLGA}" in journal
    assert f"set up a second factor for {OLGA}" in journal


@pytest.mark.parametrize("name", ["olga", "finn", "vera", "ari"])
def test_nobody_else_removes_somebodys_second_factor(guarded, name):
    person = guarded.logged_in(name)

    answer = person.post(f"/admin/staff/{OLGA}/second-factor/remove", {"reason": "no"})

    assert answer.status_code == 403


def test_a_new_secret_key_leaves_recovery_codes_and_a_fallback_leaves_all(
    guarded, open_office, database_url, clock
):
    _, phone, codes = enrolled(guarded, clock)
    former = guarded.app.config["SECRET_KEY"]

    def renewed(**settings):
        return open_office(
            database_url,
            seams=fake_time(clock),
            is_new=False,
            secret_key="n" * 40,
            # Customers' data has a key of its own, which development derives from the secret.
            encryption_key_fallbacks=(former,),
            **settings,
        )

    with_fallback, without = renewed(secret_key_fallbacks=(former,)), renewed()
    visitor = with_password(without)
    typed(visitor, phone.code())
    assert not is_in(visitor)
    typed(visitor, codes[0])
    assert is_in(visitor)
    visitor = with_password(with_fallback)
    typed(visitor, phone.code())
    assert is_in(visitor)


def test_the_journal_says_that_a_login_had_a_second_factor(guarded, clock):
    _, phone, _ = enrolled(guarded, clock)

    typed(with_password(guarded), phone.code())

    with guarded.database.read() as connection:
        after = connection.scalar(select(JournalRow.after).where(JournalRow.action == "logged_in"))
    assert after == {"address": "127.0.0.1", "second_factor": "code"}


def test_nobody_enrols_twice_at_the_same_moment(open_guarded, clock):
    factors = open_guarded(second_factor="required")
    factors.hire("olga")
    use_case = factors.services.second_factors
    drafts = [use_case.draft(OLGA) for _ in range(2)]
    code = code_of(drafts[0].secret, step_at(clock.now()))
    use_case.enrol(OLGA, drafts[0], code, keep_session=None, replaces=False)

    from payorch.domain.errors import SecondFactorRefused

    code = code_of(drafts[1].secret, step_at(clock.now()))
    with pytest.raises(SecondFactorRefused):
        use_case.enrol(OLGA, drafts[1], code, keep_session=None, replaces=False)
