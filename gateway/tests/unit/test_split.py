"""A canary's share, that its clients stay in it, and that more weight only adds clients."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.routes.model import RoutesModel
from gateway.routes.split import Split, compile_split

KEYS = [f"address:10.{n >> 16}.{n >> 8 & 255}.{n & 255}".encode() for n in range(20_000)]


def model(*splits: dict[str, Any], **further: Any) -> RoutesModel:
    names = ("stable", "canary", "other")
    return RoutesModel.model_validate(
        {
            "upstreams": {name: {"url": "http://127.0.0.1:1"} for name in names},
            "routes": [{"path": "/x", "methods": ["GET"], "upstream": "stable", "split": splits, **further}],
        }
    )


def split(*splits: dict[str, Any]) -> Split:
    file = model(*splits)
    found = compile_split(file.routes[0], file)
    assert found is not None
    return found


def clients(of: Split, upstream: str) -> set[bytes]:
    return {key for key in KEYS if of.drawn(key)[0] == upstream}


def within_bounds(found: int, part: float) -> bool:
    """Five standard deviations of a binomial: the keys are fixed, so this holds always or never."""
    return abs(found - len(KEYS) * part) <= 5 * math.sqrt(len(KEYS) * part * (1 - part))


@pytest.mark.parametrize("weight", [1, 5, 10, 20, 50, 90, 99])
def test_a_canary_gets_its_share(weight: float):
    assert within_bounds(len(clients(split({"upstream": "canary", "weight": weight}), "canary")), weight / 100)


def test_all_and_none():
    assert len(clients(split({"upstream": "canary", "weight": 100}), "canary")) == len(KEYS)
    assert clients(split({"upstream": "canary", "when": {"headers": {"x": True}}}), "canary") == set()


def test_more_weight_moves_only_new_clients():
    before: set[bytes] = set()
    for weight in (1, 10, 20, 50, 100):
        now = clients(split({"upstream": "canary", "weight": weight}), "canary")
        assert before < now
        before = now


def test_of_several_splits_each_has_its_share_and_the_first_takes_evenly():
    def both(weight: float) -> Split:
        return split({"upstream": "canary", "weight": weight}, {"upstream": "other", "weight": 20})

    for weight in (10, 20):
        assert within_bounds(len(clients(both(weight), "canary")), weight / 100)
        assert within_bounds(len(clients(both(weight), "other")), 0.2)
    # Nobody leaves the one that grows, and nobody moves from it to another.
    assert clients(both(10), "canary") < clients(both(20), "canary")
    # The other keeps all but those that the first took, and draws its new ones from the rest.
    gone = clients(both(10), "other") - clients(both(20), "other")
    assert gone <= clients(both(20), "canary")


def test_two_canaries_do_not_get_the_same_clients():
    one = clients(split({"upstream": "canary", "weight": 50}), "canary")
    two = clients(split({"upstream": "other", "weight": 50}), "other")
    assert within_bounds(len(one & two), 0.25)


@pytest.mark.parametrize(
    ("splits", "further", "message"),
    [
        ([{"upstream": "canary"}], {}, "this one gets nothing"),
        ([{"upstream": "canary", "weight": 101}], {}, "less than or equal to 100"),
        ([{"upstream": "canary", "weight": 60}, {"upstream": "other", "weight": 50}], {}, "more than 100 percent"),
        ([{"upstream": "canary", "weight": 1}], {"sticky": "cookie"}, "sticky is"),
        ([{"upstream": "canary", "weight": 1}], {"sticky": "header:a b"}, "sticky is"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(splits: list[dict[str, Any]], further: dict[str, Any], message: str):
    with pytest.raises(ValidationError) as caught:
        model(*splits, **further)
    assert message in str(caught.value)
