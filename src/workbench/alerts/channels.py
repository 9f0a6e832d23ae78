"""How a message leaves: by SMTP, by webhook, or as a CSV file for a case-management system."""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from typing import Final

from workbench.alerts.outbox import Message
from workbench.alerts.settings import PASSWORD_VARIABLE, TOKEN_VARIABLE, Mail, Settings, check_address, secret
from workbench.files import write_atomically
from workbench.paths import resolve

SECONDS: Final = 20


class NotSent(Exception):
    """A message was not taken; `for_good` where trying again would not help, `unsure` where it may have been taken."""

    def __init__(self, why: str, for_good: bool = False, unsure: bool = False) -> None:
        super().__init__(why)
        self.for_good, self.unsure = for_good, unsure


def send(message: Message, settings: Settings) -> None:
    """Hand one message over. Raises NotSent where it was not taken."""
    if message.channel == "csv":
        return _file(message)
    if message.channel == "webhook":
        return _webhook(message)
    if settings.mail is None:
        raise NotSent("alerts.yml names no mail server", for_good=True)
    return _mail(message, settings.mail)


def _mail(message: Message, mail: Mail) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = mail.sender, message.receiver, message.subject
    letter["Message-ID"] = f"<{message.id}@{mail.sender.partition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.body)
    begun = taken = False
    try:
        with _server(mail) as server:
            if mail.user:
                server.login(mail.user, secret(PASSWORD_VARIABLE))
            begun = True
            server.send_message(letter)
            taken = True
    except smtplib.SMTPResponseException as error:
        if taken:  # only the farewell was refused
            return
        raise NotSent(f"the mail server answered {error.smtp_code}", error.smtp_code >= 500) from error
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        raise NotSent(f"the mail server refused the address ({code})", code >= 500) from error
    except (OSError, smtplib.SMTPException) as error:
        lost = isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException)
        if begun and lost:
            raise NotSent("the mail server left in the middle; it may have arrived", unsure=True) from error
        raise NotSent(f"the mail server was not reached ({type(error).__name__})") from error


def _server(mail: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    if mail.security == "starttls":
        server.starttls(context=context)
    return server


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nobody: a message is for the address that was named."""


def _webhook(message: Message) -> None:
    check_address(message.receiver)
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.id, "User-Agent": "workbench"}
    if token := secret(TOKEN_VARIABLE):
        headers["Authorization"] = f"Bearer {token}"
    content = json.dumps({"id": message.id, "subject": message.subject, "text": message.body}).encode()
    request = urllib.request.Request(message.receiver, content, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            if not 200 <= answer.status < 300:
                raise NotSent(f"the webhook answered {answer.status}")
    except urllib.error.HTTPError as error:
        for_good = 300 <= error.code < 500 and error.code not in (408, 425, 429)
        raise NotSent(f"the webhook answered {error.code}", for_good) from error
    except (OSError, HTTPException) as error:
        raise NotSent(f"the webhook was not reached ({type(error).__name__})") from error


def _file(message: Message) -> None:
    folder: Path = resolve(message.receiver)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{message.id}.csv"
        write_atomically(path, message.body)
        path.chmod(0o600)
    except OSError as error:
        raise NotSent(f"{folder} cannot be written ({error.strerror})") from error
