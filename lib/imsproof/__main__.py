"""``python -m imsproof`` is the command line too."""

from imsproof.cli import main

if __name__ == "__main__":
    main()
