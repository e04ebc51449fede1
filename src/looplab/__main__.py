"""`python -m looplab` is `looplab`."""

from looplab.cli import main

if __name__ == "__main__":
    main()
