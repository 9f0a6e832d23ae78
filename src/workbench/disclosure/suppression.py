"""The flag that marks a row of which something is withheld, whatever the reason."""

SUPPRESSED = "suppressed"
