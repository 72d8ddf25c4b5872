"""`t2l train sft` in a process of its own: the first line comes before anything slow."""

import subprocess
import sys

SCRIPT = """
import sys
from t2l_fast.__main__ import main
assert "torch" not in sys.modules and "typer" not in sys.modules

class Stop:
    # ends the process where torch is first imported
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("SLOW WORK BEGINS", file=sys.stderr, flush=True)
            raise SystemExit(3)

sys.meta_path.insert(0, Stop())
sys.argv = ["t2l", "train", "sft", *sys.argv[1:]]
main()
"""


def test_the_first_line_comes_before_slow_work(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "run")], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    first, then = done.stderr.strip().splitlines()[:2]
    assert first == "t2l train sft: loading torch …"
    assert then == "SLOW WORK BEGINS"
