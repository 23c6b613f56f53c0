"""What people on call are shown of the signing keys is what everybody verifies by."""

import httpx
import jwt
from e2e_system import Person, System


def test_the_key_that_is_shown_as_active_is_published_and_signs(
    breakable: System, client: httpx.Client, person: Person
):
    [active] = [line.split() for line in breakable.run("keys").splitlines() if " active " in line]
    [published] = [key for key in client.get("/.well-known/jwks.json").json()["keys"] if key["kid"] == active[0]]
    assert published["alg"] == active[1]
    assert jwt.get_unverified_header(person.token)["kid"] == active[0]
