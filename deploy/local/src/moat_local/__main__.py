"""`python -m moat_local run|demo|kafka`."""

from moat_local.cli import main

if __name__ == "__main__":
    main()
