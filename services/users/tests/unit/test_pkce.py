import pytest

from users.domain.pkce import is_challenge, proves

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_rfcs_own_pair():
    assert is_challenge(CHALLENGE)
    assert proves(VERIFIER, CHALLENGE)


@pytest.mark.parametrize(
    "verifier", ["", CHALLENGE, VERIFIER[:-1], VERIFIER + "\n", VERIFIER.lower(), "é" * 43, "a" * 129]
)
def test_what_proves_nothing(verifier: str):
    assert not proves(verifier, CHALLENGE)


@pytest.mark.parametrize("text", ["", CHALLENGE[:-1], CHALLENGE + "=", CHALLENGE + "A", CHALLENGE[:-1] + "+", "é" * 43])
def test_what_is_no_challenge(text: str):
    assert not is_challenge(text)
