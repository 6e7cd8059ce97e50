import sys

from operations.verify.command import main

if __name__ == "__main__":
    sys.exit(main())
