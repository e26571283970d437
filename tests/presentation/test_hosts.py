"""payorch answers for the hosts that are named, and believes a proxy only where there is one."""

import pytest

from tests.presentation.backoffice.office import Office


@pytest.fixture
def open_site(sqlite_files):
    opened = []

    def open_one(**settings):
        opened.append(Office(sqlite_files.new_database_url(), **settings))
        return opened[-1].app.test_client()

    yield open_one
    for site in opened:
        site.close()


@pytest.mark.parametrize("host", ["evil.example", "pay.example.org.evil.example", "127.0.0.1", ""])
@pytest.mark.parametrize("path", ["/checkout", "/admin/login", "/api/v1/payment-methods"])
def test_a_host_that_is_not_named_is_refused(open_site, host, path):
    client = open_site(trusted_hosts=("pay.example.org",))

    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 400
    assert "evil.example" not in f"{answer.headers}{answer.text}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_host_that_is_named_is_answered(open_site):
    client = open_site(trusted_hosts=("pay.example.org",))

    assert client.get("/checkout", headers={"Host": "pay.example.org"}).status_code == 200


def test_without_a_proxy_nobody_chooses_host_or_scheme_by_a_header(open_site):
    client = open_site(trusted_hosts=("pay.example.org",))
    forwarded = {
        "Host": "pay.example.org",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-For": "203.0.113.9",
    }

    answer = client.get("/admin/", headers=forwarded)

    assert answer.status_code == 302
    assert "evil" not in answer.location
    assert "gopher" not in answer.location


def test_behind_one_proxy_only_its_own_word_counts(open_site):
    client = open_site(max_lookups_per_address=1, proxy_hops=1)

    def guess(claimed):
        return client.get("/orders/x", headers={"X-Forwarded-For": claimed}).status_code

    # What a visitor writes before the proxy's own entry changes nothing.
    assert [guess("1.1.1.1, 203.0.113.9"), guess("8.8.8.8, 203.0.113.9")] == [404, 429]
    assert guess("203.0.113.10") == 404
