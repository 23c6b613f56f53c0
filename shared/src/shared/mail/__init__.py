"""Mail to people, over SMTP."""

from shared.mail.mailer import Mailer, MailNotSent, MailRefused
from shared.mail.message import write_message
from shared.mail.settings import MailSettings, PublicSettings

__all__ = ["MailNotSent", "MailRefused", "MailSettings", "Mailer", "PublicSettings", "write_message"]
