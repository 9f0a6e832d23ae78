"""`alerts.yml` at the project's root: who is told what, by which channel, and when not."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.paths import resolve

FILE: Final = "alerts.yml"
PASSWORD_VARIABLE: Final = "WORKBENCH_SMTP_PASSWORD"
TOKEN_VARIABLE: Final = "WORKBENCH_WEBHOOK_TOKEN"
TOP: Final = ("mail", "time_zone", "quiet", "people", "nights_to")
MAIL: Final = ("host", "port", "security", "sender", "user")
PERSON: Final = ("user", "by", "to", "run", "table")
Channel = Literal["mail", "webhook", "csv"]
_ADDRESS = re.compile(r"[^\s@<>,;\"\x00-\x1f]+@[^\s@<>,;\"\x00-\x1f]+")


@dataclass(frozen=True)
class Mail:
    """The mail server: `security` is tls, starttls, or none, which only a server on this machine may have."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""


@dataclass(frozen=True)
class Receiver:
    """Somebody of access.yml, the released table they are told of, and by which channel it goes to which address."""

    user: str
    by: Channel
    to: str
    run: str
    table: str


@dataclass(frozen=True)
class Settings:
    """All of `alerts.yml`; `nights_to` are the addresses told of a night that failed."""

    mail: Mail | None
    zone: ZoneInfo
    quiet: tuple[time, time] | None
    people: tuple[Receiver, ...]
    nights_to: tuple[str, ...]

    def is_quiet(self, at: str) -> bool:
        """Whether a moment (ISO, with its zone) lies in the quiet hours of the site's own time."""
        if self.quiet is None:
            return False
        now, (begin, end) = datetime.fromisoformat(at).astimezone(self.zone).time(), self.quiet
        return begin <= now < end if begin <= end else now >= begin or now < end


def read() -> Settings:
    """Read the settings. Raises BadInput where there are none, BadParameter where a word or a value is wrong."""
    import yaml

    try:
        found = yaml.load(resolve(FILE).read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except OSError as error:
        raise BadInput(f"{FILE} cannot be read ({error.strerror}), so nobody is told. See docs/alerts.md.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{FILE} is not valid YAML: {' '.join(str(error).split())}") from error
    top = _words(found, TOP, "the file")
    nights = top.get("nights_to", [])
    people = top.get("people", [])
    if not isinstance(nights, list) or not isinstance(people, list):
        raise BadParameter(f"{FILE}: nights_to and people are lists.")
    settings = Settings(
        _mail(top["mail"]) if "mail" in top else None,
        _zone(str(top.get("time_zone", "UTC"))),
        _quiet(str(top["quiet"])) if "quiet" in top else None,
        tuple(_receiver(each) for each in people),
        tuple(_address(each) for each in nights),
    )
    if settings.mail is None and (settings.nights_to or any(each.by == "mail" for each in settings.people)):
        raise BadParameter(f"{FILE} names addresses but no mail server: write `mail:`.")
    return settings


def _words(found: Any, known: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise BadParameter(f"{FILE}: {what} must hold names and values.")
    for name in found:
        if name not in known:
            raise BadParameter(f"{FILE}: {name!r} is no word of {what}. {did_you_mean(str(name), known)}".strip())
    return found


def _mail(found: Any) -> Mail:
    given = _words(found, MAIL, "mail")
    if missing := [name for name in MAIL[:4] if name not in given]:
        raise BadParameter(f"{FILE}: mail has no {missing[0]!r}.")
    host, security = str(given["host"]), str(given["security"])
    if security not in ("tls", "starttls", "none"):
        raise BadParameter(f"{FILE}: security is {security!r}; write tls, starttls or none.")
    if security == "none" and not is_loopback(host):
        raise BadParameter(f"{FILE}: security none would send in the clear to {host!r}; write tls or starttls.")
    if not str(given["port"]).isdigit() or not 0 < int(given["port"]) < 65536:
        raise BadParameter(f"{FILE}: port is {given['port']!r}; it is a number such as 465.")
    return Mail(host, int(given["port"]), security, _address(given["sender"]), str(given.get("user", "")))


def _receiver(found: Any) -> Receiver:
    given = _words(found, PERSON, "people")
    if missing := [name for name in PERSON if not given.get(name)]:
        raise BadParameter(f"{FILE}: an entry of people has no {missing[0]!r}.")
    by, to = str(given["by"]), str(given["to"])
    if by not in ("mail", "webhook", "csv"):
        raise BadParameter(f"{FILE}: by is {by!r}; write mail, webhook or csv.")
    if by == "mail":
        to = _address(to)
    if by == "webhook":
        check_address(to)
    return Receiver(str(given["user"]), cast(Channel, by), to, str(given["run"]), str(given["table"]))


def check_address(url: str) -> None:
    """Raise BadParameter where a webhook is neither https nor on this machine, or carries a name or a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not safe or parts.username is not None or any(ord(letter) <= 32 for letter in url):
        raise BadParameter(f"{FILE}: a webhook is https, or http on this machine, and holds no password: {host!r}.")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secret(variable: str) -> str:
    """Return a password or token of the environment; none stands in a file of the project."""
    return os.environ.get(variable, "")


def _address(found: Any) -> str:
    if not isinstance(found, str) or not _ADDRESS.fullmatch(found):
        raise BadParameter(f"{FILE}: {found!r} is no e-mail address.")
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadParameter(f"{FILE}: time_zone is {name!r}; write one such as America/Los_Angeles.") from error


def _quiet(text: str) -> tuple[time, time]:
    try:
        begin, end = (time.fromisoformat(part.strip()) for part in text.split("to"))
    except ValueError as error:
        raise BadParameter(f'{FILE}: quiet is {text!r}; write it as "20:00 to 07:00".') from error
    return begin, end
