"""So many passwords at once and no more; the others come in turn, or are sent away at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from payorch.application.hashing_places import HashingPlaces
from payorch.domain.login_errors import LoginBusy


class Guests:
    """Each stays in the place until `leave` is set, and is noted as they come in."""

    def __init__(self, places):
        self.places = places
        self.came = []
        self.leave = {}
        self.is_in = {}
        self.most, self._inside = 0, set()
        self._pool = ThreadPoolExecutor(20)

    def send(self, name):
        self.leave[name], self.is_in[name] = Event(), Event()
        return self._pool.submit(self._stay, name)

    def _stay(self, name):
        with self.places.place():
            self.came.append(name)
            self._inside.add(name)
            self.most = max(self.most, len(self._inside))
            self.is_in[name].set()
            assert self.leave[name].wait(30)
            self._inside.discard(name)

    def until_waiting(self, number):
        while self.places.waiting != number:
            pass


def test_no_more_than_the_places_are_inside_and_the_others_come_in_turn():
    guests = Guests(HashingPlaces(2, wait_s=30))
    inside = [guests.send(name) for name in ("first", "second")]
    assert all(guests.is_in[name].wait(30) for name in ("first", "second"))
    for number, name in enumerate(("third", "fourth", "fifth"), start=1):
        inside.append(guests.send(name))
        guests.until_waiting(number)

    assert set(guests.came) == {"first", "second"}
    for leaving, coming in (("first", "third"), ("third", "fourth"), ("fourth", "fifth")):
        guests.leave[leaving].set()
        assert guests.is_in[coming].wait(30)
    for leave in guests.leave.values():
        leave.set()

    assert [done.result(30) for done in inside] == [None] * 5
    assert guests.came[2:] == ["third", "fourth", "fifth"]
    assert guests.most == 2


def test_who_finds_the_line_full_is_sent_away_at_once():
    places = HashingPlaces(1, waiting_per_place=0, wait_s=30)

    with places.place(), pytest.raises(LoginBusy) as refused, places.place():
        pass

    assert refused.value.retry_after_s > 0
    with places.place():
        pass


def test_who_has_waited_long_enough_is_sent_away_and_keeps_no_place():
    places = HashingPlaces(1, wait_s=0)

    with places.place():
        for _ in range(3):
            with pytest.raises(LoginBusy), places.place():
                pass
        assert places.waiting == 0

    with places.place():
        pass


def test_a_place_is_free_again_after_an_error():
    places = HashingPlaces(1, waiting_per_place=0)

    with pytest.raises(ZeroDivisionError), places.place():
        _ = 1 / 0

    with places.place():
        pass
