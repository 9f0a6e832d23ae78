"""Disclosure control: the exits through which numbers leave the workbench."""

from workbench.disclosure.suppression import protect

__all__ = ["protect"]
