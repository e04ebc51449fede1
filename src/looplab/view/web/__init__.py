"""The screen in a browser: textual-serve's terminal, on loopback, at an address that nobody guesses."""
