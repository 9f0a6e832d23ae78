"""Messages to those who act: what is new for them, once for each reason, by e-mail, webhook or CSV."""
