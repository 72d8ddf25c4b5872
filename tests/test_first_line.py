"""`t2l train sft` in a process of its own: the first line comes before models are loaded."""

import subprocess
import sys

SCRIPT = """
import sys
import t2l_fast.encoders, t2l_fast.models
from t2l_fast.cli import main

def stop(*_, **__):
    print("SLOW WORK BEGINS", file=sys.stderr, flush=True)
    raise SystemExit(3)

t2l_fast.encoders.load_encoder = stop
t2l_fast.models.load_model = stop
sys.argv = ["t2l", "train", "sft", *sys.argv[1:]]
main()
"""


def test_the_first_line_comes_before_slow_work(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "run")], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    first, then = done.stderr.strip().splitlines()[:2]
    assert first == "loading the text encoder minilm …"
    assert then == "SLOW WORK BEGINS"
