"""The traffic: fires HTTP requests at servers on this machine, from a process of its own."""
