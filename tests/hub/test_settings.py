"""What the hub may be started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.hub.settings import OIDC, PASSED_ON, read, wrong


def test_without_a_word_it_is_for_this_machine_alone() -> None:
    found = read({"HOME": "/home/a"})
    assert (found.address, found.sign_in, found.is_loopback, wrong(found)) == (
        "http://127.0.0.1:8000",
        "local",
        True,
        [],
    )
    assert found.passwords == Path("/home/a/.config/workbench/passwords.json")


def test_other_machines_reach_it_by_tls_and_oidc_only(tmp_path: Path) -> None:
    open_door = {"HOME": "/", "WORKBENCH_HUB_LISTEN": "0.0.0.0"}
    assert "only by TLS" in wrong(read(open_door))[0]
    certificate, key = tmp_path / "cert", tmp_path / "key"
    certificate.touch()
    key.touch(0o600)
    tls = open_door | {"WORKBENCH_HUB_CERTIFICATE": str(certificate), "WORKBENCH_HUB_KEY": str(key)}
    assert "only by TLS" in wrong(read(tls))[0], "passwords of one machine are not for the network"
    oidc = dict.fromkeys(OIDC.values(), "https://sign.in/x") | {"WORKBENCH_HUB_SIGN_IN": "oidc"}
    address = {"WORKBENCH_HUB_ADDRESS": "https://hub.example"}
    found = read(tls | oidc | address)
    assert wrong(found) == []
    assert found.callback == "https://hub.example/hub/oauth_callback"
    key.chmod(0o644)
    assert wrong(found) == [f"others can read the private key; type: chmod 600 '{key}'"]


def test_oidc_says_each_thing_that_is_missing_or_not_encrypted() -> None:
    env = {"HOME": "/", "WORKBENCH_HUB_SIGN_IN": "oidc", "WORKBENCH_OIDC_TOKEN_URL": "http://sign.in/token"}
    said = wrong(read(env | {"WORKBENCH_HUB_ADDRESS": "http://hub.example"}))
    assert len(said) == 6
    assert "WORKBENCH_OIDC_CLIENT_SECRET is not set" in said
    assert "WORKBENCH_OIDC_TOKEN_URL must begin with https://" in said
    assert said[-1].startswith("WORKBENCH_HUB_ADDRESS must begin with https://")


def test_a_port_that_is_no_number_is_told() -> None:
    with pytest.raises(BadInput, match="WORKBENCH_HUB_PORT must be a number"):
        read({"HOME": "/", "WORKBENCH_HUB_PORT": "eighty"})


def test_no_secret_is_passed_on() -> None:
    assert not [name for name in PASSED_ON if "OIDC" in name or "TOKEN" in name or "SECRET" in name]


def test_the_settings_of_jupyterhub_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    traitlets = pytest.importorskip("traitlets.config.loader")
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: type make setup-hub")
    root = Path(__file__).parents[2]
    settings = dict.fromkeys(OIDC.values(), "https://sign.in/x") | {
        **{
            "WORKBENCH_ROOT": str(root),
            "WORKBENCH_HUB_SIGN_IN": "oidc",
            "WORKBENCH_HUB_ADDRESS": "https://hub.example",
        },
        **{"WORKBENCH_OIDC_GROUPS_CLAIM": "groups", "WORKBENCH_OIDC_CLIENT_SECRET": "hush"},
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config = traitlets.PyFileConfigLoader("jupyterhub_config.py", str(root / "jupyter" / "hub")).load_config()
    assert config.JupyterHub.authenticator_class == "generic-oauth"
    assert config.OAuthenticator.oauth_callback_url == "https://hub.example/hub/oauth_callback"
    assert config.JupyterHub.tornado_settings["cookie_options"]["secure"] is True
    (service,) = config.JupyterHub.services
    assert "hush" not in str(service)
    assert "hush" not in str(config.Spawner.environment)
