"""The hub and its shared dashboards, as two principals, somebody unknown, a researcher and an attacker meet them."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1

Hub = Any
ASKS = "x-workbench-moving"
websocket = pytest.importorskip("websocket", reason="websocket-client is not installed: type make setup")
READY = "#rendered_cells:not(:has(.wb-still)) .wb-card b"  # the widgets have taken the place of the text
PROTOCOL = "v1.kernel.websocket.jupyter.org"


@dataclass
class Person:
    """A browser of its own, everything its sockets have heard, and every address it asked for."""

    context: Any
    page: Any
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def kernel(self) -> str:
        return str(self.page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').text).kernelId"))

    def cookie(self, address: str) -> str:
        return "; ".join(f"{one['name']}={one['value']}" for one in self.context.cookies(address))

    def fetch(self, address: str, method: str = "GET", xsrf: bool = True) -> Any:
        """Ask as the page's own script would, with its cookies and, unless told otherwise, its XSRF token."""
        held = {one["name"]: one["value"] for one in self.context.cookies(address)}
        headers = {"X-XSRFToken": held["_xsrf"]} if xsrf and "_xsrf" in held else {}
        headers |= {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
        return self.context.request.fetch(address, method=method, headers=headers, max_redirects=0)

    def reads(self, address: str, encoding: str = "gzip", **more: str) -> Any:
        """Ask for a page in an encoding, with the cookies of the browser and `more` headers."""
        held = {one["name"]: one["value"] for one in self.context.cookies(address)}
        headers = {"X-XSRFToken": held["_xsrf"], "Accept-Encoding": encoding} | more
        return self.context.request.get(address, headers=headers, max_redirects=0)

    def socket(self, dashboards: str, kernel: str, origin: str = "") -> Any:
        where = urllib.parse.urlsplit(dashboards)
        return websocket.create_connection(
            f"ws://{where.netloc}{where.path}api/kernels/{kernel}/channels?session_id=attack",
            cookie=self.cookie(dashboards),
            origin=origin or f"http://{where.netloc}",
            subprotocols=[PROTOCOL],
            timeout=10,
        )


@pytest.fixture(scope="module")
def people(chromium: Any) -> Iterator[Callable[[], Person]]:
    contexts = []

    def one() -> Person:
        context = chromium.new_context()
        contexts.append(context)
        context.set_default_timeout(60_000)
        person = Person(context, context.new_page())
        person.page.on("request", lambda request: person.asked.append(request.url))
        person.page.on(
            "websocket", lambda wire: wire.on("framereceived", lambda frame: person.heard.append(str(frame)))
        )
        return person

    yield one
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def signed_in(hub: Hub, people: Callable[[], Person]) -> Callable[..., Person]:
    def enter(user: str, path: str = "show/school_profile", until: str = READY) -> Person:
        person = people()
        person.page.goto(hub.dashboards + path)
        person.page.fill("#username_input", user)
        person.page.fill("#password_input", hub.password)
        person.page.click("#login_submit")
        person.page.wait_for_selector(until)
        return person

    return enter


@pytest.fixture(scope="module")
def cedar(signed_in: Callable[..., Person]) -> Person:
    return signed_in("p.cedar")


@pytest.fixture(scope="module")
def harbor(signed_in: Callable[..., Person]) -> Person:
    return signed_in("p.harbor")


def said(kind: str, channel: str = "shell", /, **content: Any) -> bytes:
    header = {
        "msg_id": f"x{time.monotonic_ns()}",
        "msg_type": kind,
        "username": "",
        "session": "attack",
        "version": "5.3",
    }
    parts = {"header": header, "parent_header": {}, "metadata": {"version": "1.0.0"}, "content": content, "buffers": []}
    wire = serialize_msg_to_ws_v1(parts, channel, lambda one: json.dumps(one).encode())
    return b"".join(wire) if isinstance(wire, list) else wire


def audit(hub: Hub) -> list[dict[str, Any]]:
    files = sorted((hub.root / "audit").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_each_sees_their_own_school_and_the_look_is_written_down(hub: Hub, cedar: Person, harbor: Person) -> None:
    for person, user, mine, others in (
        (cedar, "p.cedar", "Cedar High", "Harbor High"),
        (harbor, "p.harbor", "Harbor High", "Cedar High"),
    ):
        assert person.page.locator(".wb-card b").inner_text() == {"Cedar High": "360", "Harbor High": "240"}[mine]
        assert f"Rows of other schools than those of your role ({'S01' if mine[0] == 'C' else 'S02'})" in (
            person.page.inner_text("main")
        )
        assert mine in "".join(person.heard)
        assert others not in "".join(person.heard) + person.page.content()
        looks = [line for line in audit(hub) if line["who"] == user and line["what"] != "was shown"]
        assert looks[0] | {"at": "", "hash": "", "n": 0} == {
            **{"n": 0, "at": "", "who": user, "what": "saw", "thing": "demo/by_school", "role": "principal"},
            **{"filters": {"school": "mine"}, "rows": 1, "hash": ""},
        } | ({"prev": looks[0]["prev"]} if "prev" in looks[0] else {})


def with_words(hub: Hub, person: Person, user: str) -> Any:
    """Sign in and wait for the words of the page; return the request for what moves, which is held back."""
    held: list[Any] = []
    person.context.route(
        "**/show/*", lambda route: held.append(route) if ASKS in route.request.headers else route.continue_()
    )
    person.page.goto(hub.dashboards + "show/school_profile")
    person.page.fill("#username_input", user)
    person.page.fill("#password_input", hub.password)
    with person.page.expect_request(lambda request: ASKS in request.headers):
        person.page.click("#login_submit")
    person.page.wait_for_selector(".wb-still .wb-card b")
    (route,) = held
    return route


@pytest.mark.parametrize(
    ("user", "school", "other"),
    [("p.cedar", "Cedar High", "Harbor High"), ("p.harbor", "Harbor High", "Cedar High")],
)
@pytest.mark.usefixtures("cedar", "harbor")  # they have looked before
def test_a_colleague_is_shown_the_words_at_once_and_another_school_is_not(
    hub: Hub, people: Callable[[], Person], user: str, school: str, other: str
) -> None:
    before, person = len(audit(hub)), people()
    what_moves = with_words(hub, person, user)
    assert school in person.page.inner_text("main")
    assert other not in person.page.content()
    for encoding, packed in (("gzip", "gzip"), ("identity", None)):
        answer = person.reads(hub.dashboards + "show/school_profile", encoding)
        assert (answer.headers.get("content-encoding"), school in answer.text()) == (packed, True)
    look = {"who": user, "what": "was shown", "thing": "dashboard school_profile", "role": "principal"}
    assert look.items() <= audit(hub)[before].items()
    what_moves.continue_()
    person.page.wait_for_selector(READY)
    assert person.page.locator("#loading").is_hidden()
    person.context.close()


@pytest.mark.usefixtures("cedar")
def test_where_what_moves_does_not_come_the_words_stay_and_say_so(hub: Hub, people: Callable[[], Person]) -> None:
    person = people()
    with_words(hub, person, "p.cedar").abort()
    person.page.get_by_text("The filters did not come.").wait_for()
    assert "Cedar High" in person.page.inner_text("main")
    person.context.close()


@pytest.mark.usefixtures("cedar")
def test_who_asks_first_for_an_address_reads_its_words_and_then_gets_the_page_of_the_same_run(
    hub: Hub, signed_in: Callable[..., Person]
) -> None:
    person = signed_in("p.cedar")
    before, address = len(audit(hub)), hub.dashboards + "show/school_profile?first=comer"
    words = person.reads(address).text()
    assert ASKS in words.lower()
    assert "Cedar High" in words
    read = [(line["who"], line["what"]) for line in audit(hub)[before:]]
    assert read
    assert set(read) == {("p.cedar", "saw")}
    moves = person.reads(address, **{ASKS: "1"}).text()
    assert ASKS not in moves.lower()
    assert "kernelId" in moves
    assert [(line["who"], line["what"]) for line in audit(hub)[before:]] == read  # nothing was read once more
    assert "kernelId" in person.reads(address, **{ASKS: "1"}).text()  # who asks again, gets a page of another run
    assert len(audit(hub)) == before + 2 * len(read)
    person.context.close()


def test_nothing_is_asked_of_other_hosts_and_the_policy_names_none(hub: Hub, cedar: Person) -> None:
    assert {urllib.parse.urlsplit(one).hostname for one in cedar.asked if one.startswith("http")} == {"127.0.0.1"}
    policy = cedar.fetch(hub.dashboards).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not {"http:", "https:", "*", "'unsafe-eval'"} & set(policy.replace(";", " ").split())


def test_the_address_and_headers_do_not_say_who_looks(hub: Hub, cedar: Person) -> None:
    claim = urllib.parse.quote('{"user": "p.harbor", "groups": []}')
    page = cedar.context.new_page()
    page.set_extra_http_headers({"WORKBENCH-VIEWER": claim, "X-Forwarded-User": "p.harbor", "Remote-User": "p.harbor"})
    page.goto(
        f"{hub.dashboards}show/school_profile?school=S02&user=p.harbor&WORKBENCH_VIEWER={claim}&theme=dark&template=reveal"
    )
    page.wait_for_selector(READY)
    assert "Cedar High" in page.inner_text("main")
    assert "Harbor" not in page.content()
    assert "theme-light" in page.locator("body").get_attribute("class")
    assert page.locator(".reveal").count() == 0
    page.close()


def test_anothers_kernel_is_told_like_none(hub: Hub, cedar: Person, harbor: Person, signed_in: Callable) -> None:
    theirs = f"{hub.dashboards}api/kernels/{harbor.kernel}"
    again = signed_in("p.harbor")  # the same user, another sign-in
    for person in (cedar, again):
        assert person.fetch(theirs).status == 404
        assert person.fetch(f"{hub.dashboards}voila/api/shutdown/{harbor.kernel}", "POST").status == 404
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            person.socket(hub.dashboards, harbor.kernel)
        assert refused.value.status_code == 404
    again.context.close()
    assert harbor.fetch(theirs).status == 200
    harbor.socket(hub.dashboards, harbor.kernel).close()


def test_no_code_runs_on_ones_own_wire(hub: Hub, cedar: Person, tmp_path: Path) -> None:
    written = tmp_path / "written"
    code = f"open({str(written)!r}, 'w')"
    wire = cedar.socket(hub.dashboards, cedar.kernel)
    for channel in ("shell", "control", "stdin", "iopub"):
        wire.send_binary(said("execute_request", channel, code=code, silent=False))
    for kind in ("complete_request", "inspect_request", "history_request", "shutdown_request", "debug_request"):
        wire.send_binary(said(kind, code="import os; os.", cursor_pos=14, restart=False))
    wire.send_binary(said("comm_open", comm_id="a", target_name="jupyter.widget", data={"state": {}}))
    wire.send_binary(b"\x05")
    text = {"header": {"msg_type": "execute_request", "msg_id": "t"}, "content": {"code": code}, "channel": "shell"}
    wire.send(json.dumps(text | {"metadata": {}, "parent_header": {}, "buffers": []}))
    wire.send_binary(said("kernel_info_request"))
    heard = b""
    while b"kernel_info_reply" not in heard:
        frame = wire.recv()
        heard += frame if isinstance(frame, bytes) else frame.encode()
    wire.close()
    for kind in (b"execute_reply", b"complete_reply", b"inspect_reply", b"history_reply", b"shutdown_reply"):
        assert kind not in heard
    assert not written.exists()
    assert cedar.fetch(f"{hub.dashboards}api/kernels/{cedar.kernel}").status == 200


def test_a_widget_message_cannot_reach_rows_of_another_school(hub: Hub, cedar: Person) -> None:
    wire = cedar.socket(hub.dashboards, cedar.kernel)
    wire.send_binary(said("comm_open", comm_id="c", target_name="jupyter.widget.control", data={}))
    wire.send_binary(said("comm_msg", comm_id="c", data={"method": "request_states"}))
    heard = b""
    while b"update_states" not in heard:
        heard += wire.recv()
    wire.close()
    assert b"Cedar High" in heard
    assert b"Harbor" not in heard


def test_a_download_holds_ones_own_rows_and_has_no_address_that_another_could_ask_for(
    hub: Hub, cedar: Person, harbor: Person
) -> None:
    cedar.page.get_by_role("button", name="Table as CSV").click()
    link = cedar.page.wait_for_selector("a.wb-download")
    address, name = link.get_attribute("href"), link.get_attribute("download")
    assert address.startswith("data:text/csv;base64,"), "the page holds the file; the server has none"
    text = base64.b64decode(address.partition(",")[2]).decode("utf-8-sig")
    assert '"Cedar High",360' in text
    assert "Harbor" not in text
    (line,) = [one for one in audit(hub) if (one["who"], one["what"]) == ("p.cedar", "exported")]
    assert (line["thing"], line["rows"]) == ("demo/by_school", 1)
    assert not list(hub.root.rglob(name))
    for path in (name, f"files/{name}", f"show/{name}", f"voila/files/{name}", f"voila/static/{name}"):
        assert harbor.fetch(hub.dashboards + path).status == 404
    with pytest.raises(websocket.WebSocketBadStatusException):
        harbor.socket(hub.dashboards, cedar.kernel)  # nor may another press its button, or hear what it gives
    assert "Cedar" not in "".join(harbor.heard)


REFUSED = (
    *("api", "api/contents", "api/contents/school_profile.ipynb", "api/terminals", "api/sessions", "api/kernelspecs"),
    *("api/kernels", "api/config/x", "api/me", "files/school_profile.ipynb", "files/notes.txt", "terminals/1", "lab"),
    *("voila/files/notes.txt", "voila/files/school_profile.ipynb", "voila/render/school_profile.ipynb", "voila/tree"),
    *("voila/api/contents", "voila/execution/K", "voila/query/K", "notebooks/school_profile.ipynb", "login"),
    *("show/school_profile.ipynb", "show/notes.txt", "show/notes", "show/..%2Fnotes.txt", "school_profile.ipynb"),
    *("voila/static/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "voila/static/%2fetc%2fpasswd", "static/../access.yml"),
    *("voila/templates/workbench/static/..%2f..%2f..%2f..%2f..%2faccess.yml", "voila/templates/%2f/static/etc/passwd"),
    *("voila/labextensions/..%2f..%2f..%2faccess.yml", "voila/api/themes/..%2f..%2f..%2faccess.yml"),
)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_other_address_is_refused(hub: Hub, cedar: Person, method: str) -> None:
    for path in REFUSED:
        answer = cedar.fetch(hub.dashboards + path.replace("K", cedar.kernel), method)
        assert answer.status in (400, 403, 404, 405, 500), path
        text = answer.text()
        for secret in ("secret notes", "root:", "min_count", "Harbor", "Traceback", str(hub.root), "nbformat"):
            assert secret not in text, path
    assert cedar.fetch(f"{hub.dashboards}api/kernels/{cedar.kernel}", "DELETE").status in (403, 404, 405)
    assert cedar.fetch(f"{hub.dashboards}api/kernels/{cedar.kernel}").status == 200


def test_requests_from_another_site_are_refused(hub: Hub, cedar: Person) -> None:
    end = f"{hub.dashboards}voila/api/shutdown/{cedar.kernel}"
    assert cedar.fetch(end, "POST", xsrf=False).status == 403
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        cedar.socket(hub.dashboards, cedar.kernel, origin="http://elsewhere.example")
    assert refused.value.status_code == 403
    assert cedar.fetch(f"{hub.dashboards}api/kernels/{cedar.kernel}").status == 200


def test_without_a_sign_in_there_is_only_the_way_to_it(hub: Hub, cedar: Person, people: Callable[[], Person]) -> None:
    stranger = people()
    for path in ("", "show/school_profile"):
        answer = stranger.context.request.get(hub.dashboards + path, max_redirects=0)
        assert answer.status == 302
        assert answer.headers["location"].startswith("/hub/api/oauth2/authorize?")
    assert stranger.fetch(f"{hub.dashboards}api/kernels/{cedar.kernel}").status in (403, 404)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        stranger.socket(hub.dashboards, cedar.kernel)
    assert refused.value.status_code in (403, 404)
    assert "Cedar" not in stranger.context.request.get(f"{hub.dashboards}show/school_profile").text()


def test_a_wrong_password_does_not_sign_in(hub: Hub, people: Callable[[], Person]) -> None:
    person = people()
    person.page.goto(hub.dashboards)
    person.page.fill("#username_input", "p.cedar")
    person.page.fill("#password_input", "wrong horse battery")
    person.page.click("#login_submit")
    person.page.wait_for_selector(".login_error")
    assert "/services/dashboards/" not in urllib.parse.urlsplit(person.page.url).path


def test_somebody_whom_access_yml_does_not_know_sees_nothing(hub: Hub, signed_in: Callable[..., Person]) -> None:
    person = signed_in("nobody", until=".wb-sorry")
    assert "it is not for you" in person.page.inner_text(".wb-sorry >> nth=0")
    assert "High" not in person.page.content() + "".join(person.heard)
    assert [line["what"] for line in audit(hub) if line["who"] == "nobody"] == ["was refused"]


def test_a_policymaker_starts_no_server_and_gets_no_token(hub: Hub, cedar: Person) -> None:
    cedar.page.context.request.get(f"{hub.address}/hub/home")
    for path in ("spawn", "spawn/p.cedar", "api/users/p.cedar/server", "api/users/p.cedar/tokens", "api/users"):
        for method in ("POST", "GET"):
            cedar.fetch(f"{hub.address}/hub/{path}", method)
    page = cedar.context.new_page()
    assert page.goto(f"{hub.address}/hub/spawn").status == 403
    assert "Only researchers may start JupyterLab" in page.inner_text("body")
    page.close()
    assert cedar.fetch(f"{hub.address}/hub/api/users/p.cedar/tokens", "POST").status in (403, 404)
    assert cedar.fetch(f"{hub.address}/hub/api/users").status == 403
    assert not [one for one in programs(hub) if "singleuser" in one]


def test_a_researcher_gets_jupyterlab(hub: Hub, signed_in: Callable[..., Person]) -> None:
    person = signed_in("r.quinn")
    assert "Harbor High" in person.page.inner_text(".wb-cards")
    person.page.goto(f"{hub.address}/hub/spawn")
    person.page.wait_for_url("**/user/r.quinn/lab**", timeout=90_000, wait_until="commit")
    person.page.goto(f"{hub.address}/user/r.quinn/api/status")
    assert '"started"' in person.page.content()
    person.context.close()


def test_no_secret_of_the_hub_is_in_a_kernel(hub: Hub, cedar: Person) -> None:
    kernels = [
        one for one in psutil.Process(hub.process).children(recursive=True) if "ipykernel" in " ".join(one.cmdline())
    ]
    assert len(kernels) >= 2
    for one in kernels:
        names = set(one.environ())
        assert not {"SECRET_OF_THE_HUB", "JUPYTERHUB_API_TOKEN", "CONFIGPROXY_AUTH_TOKEN", "JPY_API_TOKEN"} & names
        assert "WORKBENCH_ROOT" in names


def test_leaving_the_hub_ends_page_and_kernel(hub: Hub, signed_in: Callable[..., Person]) -> None:
    person = signed_in("p.harbor")
    kernel, cookies = person.kernel, person.context.cookies()
    wire = person.socket(hub.dashboards, kernel)
    other = person.context.new_page()
    other.goto(f"{hub.address}/hub/logout")
    person.context.add_cookies(cookies)  # an attacker has kept them
    deadline = time.monotonic() + 30
    while wire.connected and time.monotonic() < deadline:
        try:
            if not wire.recv():
                break
        except (websocket.WebSocketTimeoutException, websocket.WebSocketConnectionClosedException):
            continue
    assert time.monotonic() < deadline
    assert person.fetch(f"{hub.dashboards}api/kernels/{kernel}").status == 403
    assert person.context.request.get(f"{hub.dashboards}show/school_profile", max_redirects=0).status == 302


def test_the_public_sees_the_tables_of_the_public_without_signing_in(public: str, people: Callable[[], Person]) -> None:
    one, two = people(), people()
    one.page.goto(f"{public}show/school_profile?table=open_to_all")
    one.page.wait_for_selector(READY)
    assert "Everything in this table is shown to everybody." in one.page.inner_text("main")
    two.page.goto(f"{public}show/school_profile")
    two.page.wait_for_selector(".wb-sorry")
    assert "High" not in two.page.content()
    assert two.fetch(f"{public}api/kernels/{one.kernel}").status == 404
    assert one.fetch(f"{public}api/kernels/{one.kernel}").status == 200
    assert one.fetch(f"{public}api/contents").status == 404


def test_the_public_meets_the_same_policy_and_no_address_more(
    hub: Hub, public: str, cedar: Person, people: Callable[[], Person]
) -> None:
    policy = "content-security-policy"
    stranger = people().context.request
    assert stranger.get(public).headers[policy] == cedar.fetch(hub.dashboards).headers[policy]
    for path in REFUSED:
        answer = stranger.get(public + path.replace("K", cedar.kernel), max_redirects=0)
        assert answer.status in (400, 403, 404, 405, 500), path
        assert "secret notes" not in answer.text()
    assert stranger.get(f"{public}show/school_profile?table=by_school", headers={"X-Forwarded-User": "p.cedar"}).ok
    looks = [line for line in audit(hub) if line["who"] == "public" and line["thing"] == "demo/by_school"]
    assert {line["what"] for line in looks} == {"was refused"}


def test_a_page_of_ones_own_is_kept_by_no_cache(hub: Hub, cedar: Person) -> None:
    answer = cedar.fetch(f"{hub.dashboards}show/school_profile")
    assert answer.status == 200
    headers = answer.headers
    assert {"no-store", "no-cache", "must-revalidate"} <= set(headers["cache-control"].replace(" ", "").split(","))


def programs(hub: Hub) -> list[str]:
    return [" ".join(one.cmdline()) for one in psutil.Process(hub.process).children(recursive=True)]
