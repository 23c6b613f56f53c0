"""Outlier ejection against what it promises, with a clock of the test's own."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.routes.model import EjectionModel
from gateway.upstream.ejection import Ejection, Record
from gateway.upstream.outcome import Outcome

MODEL = EjectionModel(consecutive=3, base=5.0, longest=60.0, share=0.5)


def fail(ejection: Ejection, record: Record, now: float, times: int = 3) -> float:
    seconds = 0.0
    for _ in range(times):
        seconds = ejection.judge(record, Outcome.BROKE, now) or seconds
    return seconds


def test_only_failures_in_a_row_eject():
    ejection, record = Ejection(MODEL, 4), Record()
    for _ in range(20):
        assert not fail(ejection, record, 0, 2)
        assert not ejection.judge(record, Outcome.ANSWERED, 0)
    assert not fail(ejection, record, 0, 2)
    assert not ejection.judge(record, Outcome.ABANDONED, 0)
    assert ejection.judge(record, Outcome.UNREACHABLE, 0) == 5


def test_the_time_doubles_up_to_the_longest_and_is_forgiven_by_good_time():
    ejection, record = Ejection(MODEL, 4), Record()
    now, times = 0.0, []
    for _ in range(6):
        seconds = fail(ejection, record, now)
        times.append(seconds)
        now += seconds
        ejection.give_back(record, now)
    assert times == [5, 10, 20, 40, 60, 60]
    now += 60 * 3
    assert fail(ejection, record, now) == 40


def test_back_again_its_first_failure_ejects_it():
    ejection, record = Ejection(MODEL, 4), Record()
    fail(ejection, record, 0)
    ejection.give_back(record, 5)
    assert ejection.judge(record, Outcome.LATE, 5) == 10


def test_back_again_a_success_gives_it_all_its_chances_back():
    ejection, record = Ejection(MODEL, 4), Record()
    fail(ejection, record, 0)
    ejection.give_back(record, 5)
    ejection.judge(record, Outcome.ANSWERED, 5)
    assert not fail(ejection, record, 5, 2)


def test_at_most_a_share_is_ejected_and_never_the_last():
    for count, most in ((2, 1), (3, 1), (4, 2), (10, 5)):
        ejection = Ejection(MODEL, count)
        ejected = [fail(ejection, record, 0) > 0 for record in [Record() for _ in range(count)]]
        assert sum(ejected) == most
    everyone = Ejection(MODEL.model_copy(update={"share": 1.0}), 3)
    assert sum(fail(everyone, record, 0) > 0 for record in [Record() for _ in range(3)]) == 2


class EjectionMachine(RuleBasedStateMachine):
    """Any order of outcomes, returns and time over four targets: what holds always."""

    def __init__(self) -> None:
        super().__init__()
        self.ejection = Ejection(MODEL, 4)
        self.records = [Record() for _ in range(4)]
        self.now = 0.0
        self.row = [0] * 4

    @rule(seconds=st.floats(0.1, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for index, record in enumerate(self.records):
            if record.ejected and record.until <= self.now:
                self.ejection.give_back(record, self.now)
                self.row[index] = MODEL.consecutive - 1

    @rule(index=st.integers(0, 3), outcome=st.sampled_from(list(Outcome)))
    def attempt_ends(self, index: int, outcome: Outcome) -> None:
        record = self.records[index]
        was, others = record.ejected, sum(r.ejected for r in self.records)
        seconds = self.ejection.judge(record, outcome, self.now)
        if outcome is Outcome.ABANDONED or was:
            assert not seconds
            return
        self.row[index] = 0 if outcome is Outcome.ANSWERED else self.row[index] + 1
        assert bool(seconds) is (self.row[index] >= MODEL.consecutive and others < self.ejection.most)
        if seconds:
            assert MODEL.base <= seconds <= MODEL.longest

    @invariant()
    def the_count_is_that_of_the_records(self) -> None:
        ejected = sum(record.ejected for record in self.records)
        assert self.ejection.ejected == ejected <= self.ejection.most == 2

    @invariant()
    def every_ejection_ends(self) -> None:
        assert all(record.until <= self.now + MODEL.longest for record in self.records if record.ejected)


TestEjection = EjectionMachine.TestCase
TestEjection.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
