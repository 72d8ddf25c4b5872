"""`t2l train …` in a process of its own: the first line comes before anything slow."""

import subprocess
import sys

import pytest

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
sys.argv = ["t2l", "train", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("command", ["sft", "adapters"])
def test_the_first_line_comes_before_slow_work(tmp_path, command):
    words = [command, str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    first, then = done.stderr.strip().splitlines()[:2]
    assert first == f"t2l train {command}: loading torch …"
    assert then == "SLOW WORK BEGINS"
