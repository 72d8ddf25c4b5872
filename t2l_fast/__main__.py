"""The command `t2l`: say what begins, then import what it takes."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command; `t2l train …` prints its first line before torch is imported."""
    words = sys.argv[1:]
    trains = len(words) > 2 and words[0] == "train" and not words[1].startswith("-")
    silent = {"--help", "--json", "--print-config"} & set(words) or os.environ.get(
        "RANK", "0"
    ) != "0"
    if trains and not silent:
        print(f"t2l train {words[1]}: loading torch …", file=sys.stderr, flush=True)
    from t2l_fast.cli import main as run

    run()


if __name__ == "__main__":
    main()
