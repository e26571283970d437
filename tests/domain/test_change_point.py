from datetime import UTC, datetime, timedelta
from random import Random

from payorch.domain.attempt_stats import Tally
from payorch.domain.change_point import RateBucket, change_point

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


def a_line(*counts):
    return [
        RateBucket(at=NOON + number * FIVE_MINUTES, tally=Tally(approved=good, finished=all_))
        for number, (good, all_) in enumerate(counts)
    ]


def test_a_drop_is_found_at_the_bucket_it_began_in():
    line = a_line(*[(18, 20)] * 12, *[(8, 20)] * 6)

    found = change_point(line)

    assert found is not None
    assert found.at == NOON + 12 * FIVE_MINUTES
    assert found.before.rate == 0.9
    assert found.after.rate == 0.4


def test_a_steady_line_has_no_change():
    assert change_point(a_line(*[(18, 20)] * 20)) is None


def test_too_few_attempts_after_a_change_show_nothing():
    assert change_point(a_line(*[(18, 20)] * 20, (0, 4))) is None


def test_no_attempts_are_no_change():
    assert change_point([]) is None
    assert change_point(a_line((0, 0), (0, 0))) is None


def test_a_change_never_begins_in_a_bucket_without_attempts():
    line = a_line(*[(18, 20)] * 12, (0, 0), (0, 0), *[(4, 20)] * 6)

    found = change_point(line)

    assert found is not None
    assert found.at == NOON + 14 * FIVE_MINUTES


def test_noise_alone_is_rarely_taken_for_a_change():
    random = Random(7)
    lines = 1_000
    found = 0
    for _ in range(lines):
        line = a_line(*((sum(random.random() < 0.85 for _ in range(20)), 20) for _ in range(72)))
        found += change_point(line) is not None

    assert found / lines < 0.01
