"""Several admins at once make no third key of a name, and no second successor."""

from payorch.application.api_keys import ApiKeyRefused, NewKey
from payorch.application.manage_api_keys import RotateApiKey
from tests.api_keys import creation, key_desk
from tests.concurrency.racing import race
from tests.databases import open_database

ADMINS = 6


def outcomes(results):
    made = [result for result in results if isinstance(result, NewKey)]
    refused = [result for result in results if isinstance(result, ApiKeyRefused)]
    return len(made), len(refused)


def test_one_of_many_keys_with_the_same_name_is_made(database_url):
    def attempt():
        with open_database(database_url) as own:
            return key_desk(own).create(creation())

    assert outcomes(race(*[attempt] * ADMINS)) == (1, ADMINS - 1)


def test_a_key_has_one_successor(database_url):
    with open_database(database_url) as database:
        made = key_desk(database).create(creation())

    def attempt():
        with open_database(database_url) as own:
            command = RotateApiKey(key_id=made.key.id, actor="ada", reason="a year is over")
            return key_desk(own).rotate(command)

    assert outcomes(race(*[attempt] * ADMINS)) == (1, ADMINS - 1)
