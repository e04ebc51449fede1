"""Starts and stops what a run needs: the server and the traffic, each under a guard that leaves no orphan."""
