"""How the hub is reached and who vouches for its users, read from environment variables; no file holds a secret."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from workbench.errors import BadInput
from workbench.paths import project_root

PROXY: Final = ".cache/hub/node_modules/.bin/configurable-http-proxy"
OIDC: Final = {
    "client_id": "WORKBENCH_OIDC_CLIENT_ID",
    "client_secret": "WORKBENCH_OIDC_CLIENT_SECRET",
    "authorize_url": "WORKBENCH_OIDC_AUTHORIZE_URL",
    "token_url": "WORKBENCH_OIDC_TOKEN_URL",
    "userdata_url": "WORKBENCH_OIDC_USERDATA_URL",
}
PASSED_ON: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
    *("XDG_STATE_HOME", "XDG_CONFIG_HOME", "WORKBENCH_ROOT", "WORKBENCH_AUDIT", "WORKBENCH_AUDIT_ANCHOR"),
    *("WORKBENCH_KEY_FILE", "WORKBENCH_HUB_LOOK", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_PREFER_ENV_PATH"),
)
"""What the shared server and its kernels are given of the hub's environment: no secret is among these."""


@dataclass(frozen=True)
class HubSettings:
    """Where the hub listens and under which address it is known, who signs in, and where it keeps its own files.

    `oidc` holds what oauthenticator needs by its own names. `accounts`: a researcher's JupyterLab runs under the
    Linux account of the same name; without, under the account of the hub, which can read everything.
    """

    port: int
    listen: str
    address: str
    sign_in: str
    certificate: str
    key: str
    oidc: Mapping[str, str]
    username_claim: str
    groups_claim: str
    accounts: bool
    state: Path
    passwords: Path

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.listen).is_loopback

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by TLS, here or at a proxy in front of it."""
        return self.address.startswith("https://")

    @property
    def callback(self) -> str:
        """The address that the identity provider must know."""
        return f"{self.address.rstrip('/')}/hub/oauth_callback"


def read(environment: Mapping[str, str] | None = None) -> HubSettings:
    """Return the settings. Raises BadInput where a number or an address cannot be read."""
    env = os.environ if environment is None else environment
    home = Path(env.get("HOME") or "~").expanduser()
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "workbench"
    state = Path(env.get("XDG_STATE_HOME") or home / ".local" / "state") / "workbench" / "hub"
    try:
        port, listen = int(env.get("WORKBENCH_HUB_PORT") or 8000), env.get("WORKBENCH_HUB_LISTEN") or "127.0.0.1"
        ip_address(listen)
    except ValueError as error:
        raise BadInput(f"WORKBENCH_HUB_PORT must be a number, WORKBENCH_HUB_LISTEN an IP address: {error}.") from error
    certificate = env.get("WORKBENCH_HUB_CERTIFICATE", "")
    scheme = "https" if certificate else "http"
    return HubSettings(
        port=port,
        listen=listen,
        address=env.get("WORKBENCH_HUB_ADDRESS") or f"{scheme}://127.0.0.1:{port}",
        sign_in=env.get("WORKBENCH_HUB_SIGN_IN") or "local",
        certificate=certificate,
        key=env.get("WORKBENCH_HUB_KEY", ""),
        oidc={name: env.get(variable, "") for name, variable in OIDC.items()},
        username_claim=env.get("WORKBENCH_OIDC_USERNAME_CLAIM") or "preferred_username",
        groups_claim=env.get("WORKBENCH_OIDC_GROUPS_CLAIM", ""),
        accounts=env.get("WORKBENCH_HUB_ACCOUNTS", "") == "yes",
        state=Path(env.get("WORKBENCH_HUB_STATE") or state),
        passwords=Path(env.get("WORKBENCH_PASSWORDS") or config / "passwords.json"),
    )


def wrong(found: HubSettings) -> list[str]:
    """Return what keeps the hub from being started, each with what to do; empty if nothing does."""
    said = []
    if found.sign_in not in ("local", "oidc"):
        said.append(f"WORKBENCH_HUB_SIGN_IN is {found.sign_in!r}; it must be local or oidc")
    if bool(found.certificate) != bool(found.key):
        said.append("WORKBENCH_HUB_CERTIFICATE and WORKBENCH_HUB_KEY go together")
    for name in filter(None, (found.certificate, found.key)):
        if not Path(name).is_file():
            said.append(f"{name} is no file")
    if found.key and Path(found.key).is_file() and Path(found.key).stat().st_mode & 0o077:
        said.append(f"others can read the private key; type: chmod 600 '{found.key}'")
    if not found.is_loopback and not (found.certificate and found.sign_in == "oidc"):
        said.append("other machines may reach the hub only by TLS (WORKBENCH_HUB_CERTIFICATE) and signing in by oidc")
    if found.certificate and not found.is_https:
        said.append("with a certificate, WORKBENCH_HUB_ADDRESS must begin with https://")
    return said + (_wrong_oidc(found) if found.sign_in == "oidc" else [])


def _wrong_oidc(found: HubSettings) -> list[str]:
    said = [f"{OIDC[name]} is not set" for name, value in found.oidc.items() if not value]
    for name in ("authorize_url", "token_url", "userdata_url"):
        where = urlsplit(found.oidc[name])
        if found.oidc[name] and where.scheme != "https" and where.hostname not in ("127.0.0.1", "localhost"):
            said.append(f"{OIDC[name]} must begin with https://")
    if not found.is_https and urlsplit(found.address).hostname not in ("127.0.0.1", "localhost"):
        said.append("WORKBENCH_HUB_ADDRESS must begin with https:// (TLS here, or at a proxy in front)")
    return said


def proxy() -> str:
    """Return the program that stands in front of the hub, or nothing where it is not installed."""
    ours = project_root() / PROXY
    return str(ours) if ours.is_file() else shutil.which("configurable-http-proxy") or ""
