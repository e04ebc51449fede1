"""Headless: what a run gave, as a table, Markdown and JSON; the list of scenarios; the doctor."""
