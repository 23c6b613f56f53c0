"""The circuit breaker against what it promises, with a clock of the test's own."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.routes.model import BreakerModel
from gateway.upstream.breaker import Breaker
from gateway.upstream.outcome import Outcome

MODEL = BreakerModel(failure_rate=0.5, window=10.0, minimum=4, open_time=5.0, probes=2)
FAILURES = (Outcome.UNAVAILABLE, Outcome.UNREACHABLE, Outcome.BROKE, Outcome.LATE)


def through(breaker: Breaker, outcome: Outcome, now: float) -> bool:
    ticket = breaker.enter(now)
    if ticket:
        breaker.leave(ticket, outcome, now)
    return bool(ticket)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(MODEL)
    for _ in range(MODEL.minimum):
        assert through(breaker, Outcome.UNREACHABLE, now)
    assert breaker.state == "open"
    return breaker


def test_it_opens_by_rate_and_not_before_there_is_enough_to_tell():
    breaker = Breaker(MODEL)
    for _ in range(3):
        through(breaker, Outcome.BROKE, 0)
    assert breaker.state == "closed"
    through(breaker, Outcome.LATE, 0)
    assert breaker.state == "open"


def test_failures_that_left_the_window_are_forgotten():
    breaker = Breaker(MODEL)
    for _ in range(3):
        through(breaker, Outcome.BROKE, 0)
    for _ in range(3):
        through(breaker, Outcome.BROKE, 11)
    assert breaker.state == "closed"


def test_what_the_service_answered_is_no_failure_unless_the_file_says_so():
    breaker = Breaker(MODEL)
    for _ in range(10):
        through(breaker, Outcome.FAILED, 0)
    assert breaker.state == "closed"
    strict = Breaker(MODEL.model_copy(update={"server_errors": True}))
    for _ in range(4):
        through(strict, Outcome.FAILED, 0)
    assert strict.state == "open"


def test_open_it_refuses_and_says_until_when():
    breaker = opened()
    assert not breaker.enter(4.9)
    assert breaker.seconds_left(0.5) == 5
    assert breaker.seconds_left(4.9) == 1


def test_half_open_lets_a_few_through_and_closes_when_all_succeed():
    breaker = opened()
    one, two = breaker.enter(5), breaker.enter(5)
    assert one
    assert two
    assert not breaker.enter(5)
    breaker.leave(one, Outcome.ANSWERED, 5)
    assert breaker.state == "half_open"
    breaker.leave(two, Outcome.ANSWERED, 5)
    assert breaker.state == "closed"


def test_half_open_it_opens_again_by_one_failure():
    breaker = opened()
    ticket = breaker.enter(5)
    breaker.leave(ticket, Outcome.UNREACHABLE, 6)
    assert breaker.state == "open"
    assert not breaker.enter(10.9)
    assert breaker.enter(11)


def test_a_probe_that_is_abandoned_makes_room_for_another():
    breaker = opened()
    for _ in range(10):
        assert through(breaker, Outcome.ABANDONED, 5)
    assert breaker.state == "half_open"


def test_a_probe_that_lasts_is_waited_for_no_longer_than_the_breaker_was_open():
    breaker = opened()
    assert breaker.enter(5)
    assert breaker.enter(5)
    assert not breaker.enter(9)
    assert breaker.enter(10)


def test_what_began_before_it_opened_says_nothing_about_after():
    breaker = Breaker(MODEL)
    old = [breaker.enter(0) for _ in range(8)]
    for ticket in old[:4]:
        breaker.leave(ticket, Outcome.BROKE, 0)
    probe = breaker.enter(5)
    for ticket in old[4:]:
        breaker.leave(ticket, Outcome.BROKE, 5)
    assert breaker.state == "half_open"
    breaker.leave(probe, Outcome.ANSWERED, 5)
    assert breaker.state == "half_open"


class BreakerMachine(RuleBasedStateMachine):
    """Any order of requests and time: what holds always."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(MODEL)
        self.now = 0.0
        self.opened_at: float | None = None
        self.probes_since = 0

    @rule(seconds=st.floats(0.01, 20))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=tickets)
    def enter(self) -> int:
        before = self.breaker.state
        ticket = self.breaker.enter(self.now)
        if before == "closed":
            assert ticket
        if before == "open":
            assert self.opened_at is not None
            assert bool(ticket) is (self.now >= self.opened_at + MODEL.open_time)
        return ticket

    @rule(ticket=consumes(tickets), outcome=st.sampled_from(list(Outcome)))
    def leave(self, ticket: int, outcome: Outcome) -> None:
        if not ticket:
            return
        before = self.breaker.opened
        self.breaker.leave(ticket, outcome, self.now)
        if self.breaker.opened > before:
            assert outcome in FAILURES
            self.opened_at = self.now

    @invariant()
    def it_never_lets_more_than_its_probes_through(self) -> None:
        if self.breaker.state == "half_open":
            assert 0 <= self.breaker._probes + self.breaker._good <= MODEL.probes

    @invariant()
    def the_window_counts_no_more_failures_than_requests(self) -> None:
        told = self.breaker.describe(self.now)
        assert told["requests"] >= told["failures"] >= 0

    @invariant()
    def it_recovers(self) -> None:
        if self.breaker.state == "open":
            assert self.breaker.seconds_left(self.now) <= MODEL.open_time


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
