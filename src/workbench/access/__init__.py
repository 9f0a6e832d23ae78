"""Who may see what: the site's policy, which no notebook can weaken, and who has seen what."""

from workbench.access.grants import viewer
from workbench.access.roles import Scope, Viewer

__all__ = ["Scope", "Viewer", "viewer"]
