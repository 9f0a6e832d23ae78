"""Learning Analytics Workbench: the handful of names a researcher types."""

from workbench.store import open_data
from workbench.tables import describe_tables

__all__ = ["describe_tables", "open_data"]
__version__ = "0.1.0"
