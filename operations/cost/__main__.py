import sys

from operations.cost.command import main

if __name__ == "__main__":
    sys.exit(main())
