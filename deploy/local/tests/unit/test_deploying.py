"""What a deploy judges by, and the sockets that two processes share."""

import os
import socket

import pytest

from local_stack.deploy_command import programs_of
from local_stack.doorway import Doorway, workers_asked
from local_stack.errors import LocalStackError
from local_stack.own_errors import Answered, answered_by
from local_stack.ports import free_port, is_free

METRICS = """# TYPE http_server_requests_total counter
http_server_requests_total{method="GET",route="/api/v1/products",status="200"} 97.0
http_server_requests_total{method="POST",route="/api/v1/orders",status="500"} 2.0
http_server_requests_total{method="POST",route="/api/v1/orders",status="503"} 1.0
http_server_request_duration_seconds_count{method="GET",route="/x"} 4.0
gateway_requests_total{method="GET",route="/api/x",status="404"} 1e+02
"""


def test_errors_are_told_from_all_answers():
    assert answered_by(METRICS) == Answered(200, 3)


def test_between_two_looks():
    assert Answered(200, 3) - Answered(100, 3) == Answered(100, 0)
    assert (Answered(200, 3) - Answered(0, 1)).share == pytest.approx(0.01)
    assert Answered(0, 0).share == 0


@pytest.mark.parametrize("count", [1, 3])
def test_a_port_is_taken_until_its_last_user_has_left(count: int):
    port = free_port()
    doorway = Doorway("127.0.0.1", port, count)
    old, new = object(), object()
    numbers = doorway.enter(old)
    assert len(numbers) == count
    assert doorway.enter(new) == numbers
    # As the process does that they are handed to.
    with socket.socket(fileno=os.dup(numbers[0])) as copy:
        copy.listen()
    doorway.leave(old)
    assert not is_free(port)
    doorway.leave(new)
    assert is_free(port)


def test_a_port_that_somebody_has_is_an_error_and_nothing_stays_bound():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        doorway = Doorway("127.0.0.1", taken.getsockname()[1], 1)
        with pytest.raises(OSError, match="in use"):
            doorway.enter(object())
    assert len(doorway.enter(object())) == 1


@pytest.mark.parametrize(("asked", "workers"), [(None, 1), ("", 1), ("3", 3), ("0", 1), ("many", 1)])
def test_as_many_sockets_as_the_gateway_has_workers(asked: str | None, workers: int):
    assert workers_asked({} if asked is None else {"WORKERS": asked}) == workers


def test_an_api_goes_with_its_worker():
    assert programs_of("orders") == ["orders", "orders-worker"]
    assert programs_of("gateway") == ["gateway"]
    with pytest.raises(LocalStackError, match=r"users, .*gateway"):
        programs_of(None)
