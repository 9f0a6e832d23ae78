"""Signing in at an identity provider: a small one of the tests' own, by OpenID Connect with PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import http.cookiejar
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

SECRET = "between hub and provider"


@dataclass
class Provider:
    """Who would sign in at this moment, and the challenge that came with each code given out."""

    person: str = ""
    groups: list[str] = field(default_factory=list)
    challenges: dict[str, str] = field(default_factory=dict)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                where = urlsplit(self.path)
                if where.path == "/userinfo":
                    known = self.headers["Authorization"] == "Bearer token-of-code-1"
                    about = {"preferred_username": provider.person, "groups": provider.groups}
                    return self.told(200 if known else 401, about if known else {})
                asked = {name: one for name, (one,) in parse_qs(where.query).items()}
                provider.challenges["code-1"] = asked["code_challenge"]
                back = urlencode({"code": "code-1", "state": asked["state"]})
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.end_headers()
                return None

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                given = {name: one for name, (one,) in parse_qs(body).items()}
                digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                basic = base64.b64decode(self.headers.get("Authorization", "Basic ").split(" ")[1]).decode()
                proven = SECRET in (given.get("client_secret"), basic.partition(":")[2])
                if not proven or provider.challenges.pop(given["code"], "") != challenge:
                    return self.told(400, {"error": "invalid_grant"})
                return self.told(200, {"access_token": f"token-of-{given['code']}", "token_type": "Bearer"})

            def told(self, status: int, what: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(what).encode())

        return Answers


@pytest.fixture(scope="module")
def provider() -> Iterator[tuple[Provider, str]]:
    """The provider, on a free loopback port."""
    one = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), one.handler())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield one, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address(
    hub_site: Path,
    provider: tuple[Provider, str],
    start_hub: Callable[..., AbstractContextManager[tuple[str, int]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A hub that asks this provider who signs in."""
    home = tmp_path_factory.mktemp("oidc-home")
    settings = {
        "WORKBENCH_HUB_SIGN_IN": "oidc",
        "WORKBENCH_OIDC_AUTHORIZE_URL": f"{provider[1]}/authorize",
        "WORKBENCH_OIDC_TOKEN_URL": f"{provider[1]}/token",
        "WORKBENCH_OIDC_USERDATA_URL": f"{provider[1]}/userinfo",
        "WORKBENCH_OIDC_CLIENT_ID": "workbench",
        "WORKBENCH_OIDC_CLIENT_SECRET": SECRET,
        "WORKBENCH_OIDC_GROUPS_CLAIM": "groups",
        # One log has one anchor: that of the site's other hub lies in another home.
        "WORKBENCH_AUDIT": str(home / "audit"),
    }
    with start_hub(hub_site, home, **settings) as (found, _):
        yield found


class Browser:
    """A client with cookies of its own that follows where it is sent."""

    def __init__(self) -> None:
        self.open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy()))
        ).open

    def text(self, address: str) -> str:
        request = urllib.request.Request(address, headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
        return str(self.open(request, timeout=60).read().decode())


def signed_in(address: str, provider: Provider, person: str, groups: list[str]) -> Browser:
    provider.person, provider.groups = person, groups
    browser = Browser()
    browser.text(f"{address}/hub/oauth_login?next=%2Fservices%2Fdashboards%2F")
    return browser


def test_the_groups_of_the_sign_in_reach_access_yml(address: str, provider: tuple[Provider, str]) -> None:
    browser = signed_in(address, provider[0], "c.new", ["cedar-staff", "everybody"])
    page = browser.text(f"{address}/services/dashboards/show/school_profile")
    assert "Rows of other schools than those of your role (S01) are not shown." in page
    assert "Harbor" not in page


def test_somebody_unknown_who_signs_in_reads_one_sentence(address: str, provider: tuple[Provider, str]) -> None:
    browser = signed_in(address, provider[0], "x.stranger", ["everybody"])
    page = browser.text(f"{address}/services/dashboards/show/school_profile")
    assert "it is not for you" in page
    assert "High" not in page


@pytest.mark.parametrize("state", ["", "forged", "eyJzdGF0ZV9pZCI6ICJmb3JnZWQifQ=="])
def test_a_forged_state_signs_nobody_in(address: str, provider: tuple[Provider, str], state: str) -> None:
    provider[0].person, provider[0].groups = "c.new", ["cedar-staff"]
    browser = Browser()
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.text(f"{address}/hub/oauth_callback?{urlencode({'code': 'code-1', 'state': state})}")
    assert refused.value.code in (400, 403)
    with pytest.raises(urllib.error.HTTPError) as unknown:
        browser.open(f"{address}/hub/api/user", timeout=10)
    assert unknown.value.code == 403
