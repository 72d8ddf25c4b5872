"""`python -m t2l_fast.cli`."""

from t2l_fast.cli import main

main()
