"""A client's secret: checked at one cost whatever there is, which no statistics over a network could show as well."""

import hmac

import pytest

from users.domain.credentials import digest
from users.oauth import clients

ONE, TWO = digest("ghs_one"), digest("ghs_two")


@pytest.mark.parametrize("kept", [(), (ONE,), (ONE, TWO), (TWO, ONE)])
@pytest.mark.parametrize("secret", ["ghs_one", "ghs_three", "", None])
def test_as_many_comparisons_whatever_there_is(
    monkeypatch: pytest.MonkeyPatch, kept: tuple[bytes, ...], secret: str | None
):
    compared: list[bytes] = []

    class Counting:
        @staticmethod
        def compare_digest(left: bytes, right: bytes) -> bool:
            compared.append(right)
            return hmac.compare_digest(left, right)

    monkeypatch.setattr(clients, "hmac", Counting)
    found = clients.matching_digest(secret, kept)
    assert len(compared) == 2
    assert found == (ONE if secret == "ghs_one" and ONE in kept else None)
