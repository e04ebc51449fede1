"""The screens: the main one, the help, and the log."""
