"""What reaches the terminal: only cells that changed, in few bytes, and never more than the line can take."""
