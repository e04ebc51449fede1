"""Locust as the engine of a run: the locustfile that is written for it, and what speaks to the lab from inside."""
