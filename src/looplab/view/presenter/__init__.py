"""The presenter: where a talk is, what it waits for, and what the next step does to the run."""
