"""`python -m helm [--check]`: write the generated files, or exit with 1 naming those that differ."""

from __future__ import annotations

import argparse
import sys

from helm.generate import differing, write


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m helm", description="Generate the chart's files and the manifests.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 naming the files that differ")
    if not parser.parse_args().check:
        for path in write():
            print(f"{path}: written")
        return 0
    paths = differing()
    for path in paths:
        print(f"{path}: differs from what `python -m helm` writes", file=sys.stderr)
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
