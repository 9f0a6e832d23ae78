"""Settings of JupyterHub. What differs from site to site comes from environment variables (docs/hub.md)."""

import json
import os
import sys

from tornado.web import HTTPError

from workbench import access
from workbench.access import signed_in
from workbench.hub import settings
from workbench.paths import project_root

c = get_config()  # noqa: F821
site = settings.read()
passed_on = {name: os.environ[name] for name in settings.PASSED_ON if name in os.environ}
HOURS = 10
REFUSED = "Only researchers may start JupyterLab. The dashboards are open to you."

c.JupyterHub.bind_url = f"{'https' if site.certificate else 'http'}://{site.listen}:{site.port}"
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = site.certificate, site.key
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ.get('WORKBENCH_HUB_INNER_PORT', '8081')}"
c.ConfigurableHTTPProxy.command = [settings.proxy()]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ.get('WORKBENCH_HUB_PROXY_PORT', '8001')}"
c.ConfigurableHTTPProxy.pid_file = str(site.state / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{site.state / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(site.state / "cookie-secret")
c.JupyterHub.cleanup_servers = True
c.JupyterHub.log_level = "WARN"

# A sign-in lasts a working day; the cookies of a browser that is closed go with it.
c.JupyterHub.cookie_max_age_days = HOURS / 24
c.JupyterHub.oauth_token_expires_in = HOURS * 3600
cookies = {"expires_days": None, "samesite": "Lax"} | ({"secure": True} if site.is_https else {})
c.JupyterHub.tornado_settings = {
    "cookie_options": cookies,
    "headers": {
        "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    },
}

# Who signs in. Whether anything is shown is a question of access.yml, asked anew at every look.
c.Authenticator.allow_all = True
c.Authenticator.enable_auth_state = False
c.Authenticator.admin_users = set()
if site.sign_in == "oidc":
    c.JupyterHub.authenticator_class = "generic-oauth"
    c.OAuthenticator.client_id = site.oidc["client_id"]
    c.OAuthenticator.client_secret = site.oidc["client_secret"]
    c.OAuthenticator.oauth_callback_url = site.callback
    c.OAuthenticator.authorize_url = site.oidc["authorize_url"]
    c.OAuthenticator.token_url = site.oidc["token_url"]
    c.OAuthenticator.userdata_url = site.oidc["userdata_url"]
    c.OAuthenticator.username_claim = site.username_claim
    c.OAuthenticator.scope = ["openid", "profile", "email"]
    if site.groups_claim:
        c.OAuthenticator.manage_groups = True
        c.OAuthenticator.auth_state_groups_key = f"oauth_user.{site.groups_claim}"
else:
    c.JupyterHub.authenticator_class = "workbench.hub.local_sign_in.LocalSignIn"
    c.LocalSignIn.passwords = str(site.passwords)

# One shared Voilà for everybody who has signed in.
c.JupyterHub.services = [
    {
        "name": "dashboards",
        "url": f"http://127.0.0.1:{os.environ.get('WORKBENCH_HUB_DASHBOARDS_PORT', '8868')}",
        "command": [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "workbench.hub.service"],
        "environment": passed_on | {"JUPYTERHUB_COOKIE_OPTIONS": json.dumps(cookies)},
        "cwd": str(project_root()),
        "oauth_no_confirm": True,
        "display": False,
    }
]
c.JupyterHub.default_url = "/services/dashboards/"

# What a user of the hub may do with it: see the dashboards, and, refused to all but researchers below, start a server.
# No tokens and no sharing: nothing that outlives the sign-in.
c.JupyterHub.load_roles = [
    {
        "name": "user",
        "scopes": [
            "access:services!service=dashboards",
            "servers!user",
            "access:servers!user",
            "read:users:name!user",
            "read:users:groups!user",
        ],
    },
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server"]},
]
c.JupyterHub.allow_named_servers = False


def groups_of(spawner):
    """Return the groups that the sign-in vouches for."""
    return [group.name for group in spawner.user.groups]


def researchers_only(spawner):
    """Refuse to start a server for anybody who is no researcher in access.yml at this moment."""
    if access.viewer(spawner.user.name, groups_of(spawner)).role != "researcher":
        refusal = HTTPError(403, REFUSED)
        refusal.jupyterhub_message = REFUSED
        raise refusal


c.Spawner.pre_spawn_hook = researchers_only
c.JupyterHub.spawner_class = "local-process" if site.accounts else "simple"
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = str(project_root())
c.Spawner.environment = passed_on | {
    "JUPYTERHUB_ALLOW_TOKEN_IN_URL": "0",
    signed_in.VARIABLE: lambda spawner: signed_in.told(spawner.user.name, groups_of(spawner)),
}
if not site.accounts and os.geteuid() == 0:
    c.Spawner.args = ["--allow-root"]
