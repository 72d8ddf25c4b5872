"""Who may use a server, under which limits, and which adapters are whose."""
