"""Mail over SMTP (RFC 5321)."""

import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from shared.mail.settings import MailSettings

_PERMANENT = 500


class MailRefused(Exception):  # noqa: N818 - the name says what happened
    """The server will never take this message; the text has the reply code and no address."""


class MailNotSent(Exception):  # noqa: N818 - the same
    """The server was away or wants it later; the text has no address."""


class Mailer:
    """Hands messages to one SMTP server, a connection each."""

    def __init__(self, settings: MailSettings) -> None:
        parts = urlsplit(settings.url.get_secret_value())
        self.sender = settings.sender
        self._hostname = parts.hostname or "127.0.0.1"
        self._tls = parts.scheme == "smtps"
        self._starttls = parts.scheme == "smtp+starttls"
        self._port = parts.port or (465 if self._tls else 587 if self._starttls else 25)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout = settings.timeout_seconds

    async def send(self, message: EmailMessage) -> None:
        """Hand a message in. Raises MailRefused when no retry helps, else MailNotSent."""
        try:
            await aiosmtplib.send(
                message,
                hostname=self._hostname,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._tls,
                start_tls=self._starttls,
                tls_context=ssl.create_default_context() if self._tls or self._starttls else None,
                timeout=self._timeout,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(max(refused.code for refused in error.recipients)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from None
        except aiosmtplib.SMTPNotSupported as error:
            raise MailRefused("the server cannot carry this address") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotSent(type(error).__name__) from None


def _refusal(code: int) -> Exception:
    text = f"the server answered {code}"
    return MailRefused(text) if code >= _PERMANENT else MailNotSent(text)
