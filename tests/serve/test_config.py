"""Sizes of an engine and limits of a server."""

import subprocess
import sys
from dataclasses import fields

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.serve import EngineConfig
from t2l_fast.serve.config import Limits


@pytest.mark.parametrize(
    ("kind", "name"),
    [(k, f.name) for k in (EngineConfig, Limits) for f in fields(k) if f.name != "attention"],
)
def test_sizes_below_their_bound_are_refused(kind, name):
    with pytest.raises(ConfigError, match=rf"{name} must be at least \d, got 0"):
        kind(**{name: 0})


def test_a_cache_of_less_than_two_pages_is_refused():
    with pytest.raises(ConfigError, match="cache_tokens must be at least two pages"):
        EngineConfig(cache_tokens=31)


def test_an_unknown_attention_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"attention must be one of .*paged.*got 'fast'"):
        EngineConfig(attention="fast")


def test_sizes_load_no_engine():
    """`t2l --help` works without what the serve extra brings."""
    code = "import sys, t2l_fast.serve.config; print('transformers' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_documented_import_paths_stay():
    from t2l_fast.serve import app, config
    from t2l_fast.serve.http.app import create_app

    assert app.create_app is create_app
    assert config.EngineConfig is EngineConfig
