"""What the pages of mailed links say. Of a request nothing stands on them but its token."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape

# The token stands behind # in the link and never reaches a server before the button is pressed.
_SCRIPT = (
    'const t=location.hash.slice(1);if(t){document.getElementById("token").value=t;'
    'history.replaceState(null,"",location.pathname)}'
)
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem}"
    "label{display:block;margin-top:1rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}"
    "button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem}[role=alert]{font-weight:bold}"
)


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Field:
    """An input of a form beside the token."""

    name: str
    label: str
    kind: str
    autocomplete: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """A page that does one thing."""

    title: str
    explanation: str
    button: str
    done: str
    fields: tuple[Field, ...] = ()


VERIFY_EMAIL = Page(
    title="Confirm your e-mail address",
    explanation="Press the button, and we know that the address is yours.",
    button="Confirm",
    done="Your e-mail address is confirmed.",
)
RESET_PASSWORD = Page(
    title="Set a new password",
    explanation="8 to 128 characters, with an upper-case letter and a digit. All your logins end.",
    button="Set the password",
    done="Your new password is set. Log in with it.",
    fields=(Field("password", "New password", "password", "new-password"),),
)
CHANGE_EMAIL = Page(
    title="Confirm your new e-mail address",
    explanation="Your account gets the address that this link was mailed to.",
    button="Confirm",
    done="Your account has the new e-mail address now.",
    fields=(
        Field("current_password", "Your password", "password", "current-password"),
        Field("code", "Code of your second factor, if you have one", "text", "one-time-code", required=False),
    ),
)


def form(page: Page, *, token: str = "", error: str = "") -> str:
    """The page with its form, which posts to the address that it stands at; ``token`` as it was posted before."""
    inputs = "".join(_input(field) for field in page.fields)
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    content = (
        f'{alert}<p>{escape(page.explanation)}</p><form method="post">'
        '<label for="token">What stands behind # in the link of the mail</label>'
        '<input id="token" name="token" required autocomplete="off" spellcheck="false" '
        f'value="{escape(token)}">'
        f'{inputs}<button type="submit">{escape(page.button)}</button></form><script>{_SCRIPT}</script>'
    )
    return _page(page.title, content)


def done(page: Page) -> str:
    """The page when it has done its one thing."""
    return _page(page.title, f'<p role="status">{escape(page.done)}</p>')


def ended(page: Page, why: str) -> str:
    """The page of a link that is good for nothing."""
    return _page(page.title, f'<p role="alert">{escape(why)}</p>')


def _input(field: Field) -> str:
    required = " required" if field.required else ""
    return (
        f'<label for="{field.name}">{escape(field.label)}</label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.kind}" '
        f'autocomplete="{field.autocomplete}"{required}>'
    )


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>\n"
    )
