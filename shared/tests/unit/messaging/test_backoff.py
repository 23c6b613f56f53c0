from shared.messaging.backoff import Backoff


def test_pauses_double_up_to_the_most_with_jitter() -> None:
    for _ in range(50):
        backoff = Backoff(first=1, most=8)
        pauses = [backoff.next() for _ in range(6)]
        for pause, whole in zip(pauses, (1, 2, 4, 8, 8, 8), strict=True):
            assert whole / 2 <= pause <= whole
    backoff.reset()
    assert backoff.next() <= 1
