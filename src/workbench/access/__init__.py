"""Who may see what: the site's policy, which no notebook can weaken."""
