"""What runs beside a scenario's server: a PostgreSQL and an upstream, each under a guard."""
