"""Locust as the engine of a run: the locustfile, and what speaks to the lab from inside of Locust."""
