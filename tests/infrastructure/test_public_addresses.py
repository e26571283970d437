"""Names and addresses that lead into a private network are not connected to (security.md, S34)."""

import ipaddress
import socket

import pytest

from payorch.application.staff_alerts import AlertNotTaken
from payorch.config import Settings
from payorch.infrastructure.alert_webhook import SignedAlertWebhook
from payorch.infrastructure.public_addresses import AddressRefused, is_public, public_addresses
from tests.alerts.test_alert_webhook import SECRET, receiving
from tests.fakes import FakeClock

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.0.8", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
    "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:0:53aa:64c::",
    "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "3fff::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5", "2a00:1450:4001:80b::200e"]

WRITTEN_ODDLY = [
    "localhost", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1",
    "017700000001", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "127.0.0.1.",
    "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]", "[fe80::1]",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_no_public_host_is_refused(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_a_public_host_is_taken(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", WRITTEN_ODDLY)
def test_a_private_address_is_refused_however_it_is_written(host):
    with pytest.raises(AddressRefused):
        public_addresses(host, 443)


@pytest.fixture
def names(monkeypatch):
    """Name -> the answers that looking it up gives, one after the other; the last one stays."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, *arguments, **options):
        if host not in answers:
            return real(host, port, *arguments, **options)
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (it, port)) for it in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


def test_one_private_address_among_public_ones_is_enough(names):
    names["mixed.example"] = [["8.8.8.8", "10.0.0.1"]]

    with pytest.raises(AddressRefused, match="private network"):
        public_addresses("mixed.example", 443)


def test_a_name_without_an_address_is_refused(names):
    names["nowhere.example"] = [[]]

    with pytest.raises(AddressRefused):
        public_addresses("nowhere.example", 443)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_connection_goes_to_the_address_that_was_checked(names, monkeypatch, scheme):
    names["rebinding.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    connected_to = []

    def connect(address, *_arguments, **_options):
        connected_to.append(address[0])
        raise OSError("unreachable in tests")

    monkeypatch.setattr("payorch.infrastructure.public_addresses.create_connection", connect)

    with pytest.raises(AlertNotTaken):
        SignedAlertWebhook(f"{scheme}://rebinding.example/", SECRET, FakeClock())("id", "name", {})
    assert connected_to == ["93.184.216.34"]


def test_an_alert_is_not_sent_into_a_private_network_unless_it_may():
    with receiving(204) as receiver:
        with pytest.raises(AlertNotTaken, match="AddressRefused"):
            SignedAlertWebhook(receiver.url, SECRET, FakeClock())("id", "name", {})
        assert receiver.requests == []

        SignedAlertWebhook(receiver.url, SECRET, FakeClock(), may_be_private=True)("id", "name", {})
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://user:word@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org\\@127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://example.org:22/",
        "https://example.org:99999/",
        "https://exämple.org/",
        "https:///path",
    ],
)
def test_an_address_that_hides_where_it_leads_is_refused_at_the_start(url):
    settings = Settings(env="production", alert_webhook_url=url, alert_webhook_secret="s" * 16)

    assert [it for it in settings.problems() if "PAYORCH_ALERT_WEBHOOK_URL" in it]


@pytest.mark.parametrize("url", ["https://example.org/", "https://example.org:8443/a?b=c"])
def test_a_plain_public_address_is_taken(url):
    settings = Settings(env="production", alert_webhook_url=url, alert_webhook_secret="s" * 16)

    assert not [it for it in settings.problems() if "PAYORCH_ALERT_WEBHOOK_URL" in it]
