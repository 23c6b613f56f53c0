"""What the mails with a link say. None names whoever asked, and none holds a secret but its link."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A subject, and a body with places for ``name`` and ``url``."""

    subject: str
    body: str


OF = {
    "verify_email": Text(
        "Confirm your e-mail address",
        """\
Hello {name},

confirm that this address is yours:

{url}

The link is good once, for 24 hours. If you have no Gatehouse account, leave it alone: nothing will happen.
""",
    ),
    "reset_password": Text(
        "Reset your password",
        """\
Hello {name},

somebody, you we hope, wants to set a new password for your Gatehouse account:

{url}

The link is good once, for 30 minutes. If it was not you, leave it alone: your password stays as it is.
""",
    ),
    "account_exists": Text(
        "You have an account already",
        """\
Hello {name},

somebody, you we hope, has tried to register with this address. It has a Gatehouse account already, so none was made:
log in with the password that you have. If you do not know it any more, set a new one:

{url}

The link is good once, for 30 minutes. If it was not you, leave it alone: nothing has changed.
""",
    ),
    "change_email": Text(
        "Confirm your new e-mail address",
        """\
Hello {name},

your Gatehouse account is to have this address. Confirm it with your password:

{url}

The link is good once, for 24 hours. If you have no Gatehouse account, leave it alone: nothing will happen.
""",
    ),
}
TAKEN = Text(
    "Your e-mail address has an account already",
    """\
Hello {name},

somebody, you we hope, wants to give a Gatehouse account this address. It has one of its own, so that cannot be:
delete one of the two, or take another address. If it was not you, leave it alone: nothing has changed.
""",
)
