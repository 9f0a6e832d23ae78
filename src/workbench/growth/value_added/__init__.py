"""Value added: what schools and teachers add, and how sure that is."""
