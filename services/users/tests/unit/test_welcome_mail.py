from datetime import UTC, datetime
from email import policy
from uuid import uuid4

import pytest

from users.domain.account import Role, User
from users.jobs.welcome_mail import write

URL = "https://api.example.com/account/verify-email#token"


def _user(name: str = "Ada Lovelace", email: str = "ada@example.com") -> User:
    return User(1, name, email, Role.USER, "free", datetime.now(UTC), None, 1)


@pytest.mark.parametrize(
    "user",
    [
        _user(name="Ada\r\nBcc: eve@example.com"),
        _user(name="Ada\nBcc: eve@example.com"),
        _user(email="ada\r\nBcc: eve@example.com"),
    ],
)
def test_no_header_can_be_slipped_in(user: User):
    # The rules of names and addresses refuse these before; this is the second wall.
    try:
        text = write(user, "Gatehouse <no-reply@gatehouse.example>", uuid4(), URL).as_bytes(policy=policy.SMTP)
    except ValueError:
        return
    head = text.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith(b"bcc") for line in head.splitlines())


def test_a_domain_of_any_script_goes_over_the_wire_as_ascii():
    message = write(_user(email="ada@exämple.com"), "no-reply@gatehouse.example", uuid4(), URL)
    assert message["To"].addresses[0].addr_spec == "ada@xn--exmple-cua.com"


def test_two_attempts_are_one_mail():
    job_id = uuid4()
    one, other = (write(_user(), "no-reply@gatehouse.example", job_id, URL) for _ in range(2))
    assert one["Message-ID"] == other["Message-ID"] == f"<{job_id}@gatehouse.example>"


def test_whose_address_is_proved_gets_no_link():
    text = write(_user(), "no-reply@gatehouse.example", uuid4(), None).get_content()
    assert "http" not in text
    assert "Confirm" not in text
