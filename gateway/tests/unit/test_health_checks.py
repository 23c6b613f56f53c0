"""Answers in a row decide what a check says of a target; a slow start raises its weight."""

from gateway.routes.model import HealthCheckModel
from gateway.upstream.health import Health
from gateway.upstream.slow_start import part

MODEL = HealthCheckModel(unhealthy_after=3, healthy_after=2)


def told(health: Health, answers: str) -> str:
    """``+`` good, ``-`` bad; what it says after each, ``h`` or ``u``."""
    states = ""
    for answer in answers:
        health.observe(good=answer == "+")
        states += "h" if health.healthy else "u"
    return states


def test_so_many_in_a_row_take_it_out_and_bring_it_back():
    assert told(Health(MODEL), "+--+---+-++") == "hhhhhhuuuuh"


def test_the_first_answer_of_all_counts_at_once():
    assert told(Health(MODEL), "--++") == "uuuh"


def test_it_says_when_it_has_changed():
    health = Health(MODEL)
    assert [health.observe(good=answer == "+") for answer in "+---++"] == [False, False, False, True, False, True]


def test_a_slow_start_goes_from_a_tenth_to_the_whole():
    assert [part(passed, 10) for passed in (0, 1, 5, 10, 20)] == [0.1, 0.1, 0.5, 1.0, 1.0]
