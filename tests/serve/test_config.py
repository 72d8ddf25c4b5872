"""Sizes of an engine and limits of a server."""

from dataclasses import fields

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.serve import EngineConfig
from t2l_fast.serve.tenants.limits import Limits


@pytest.mark.parametrize(
    ("kind", "name"), [(k, f.name) for k in (EngineConfig, Limits) for f in fields(k)]
)
def test_sizes_below_one_are_refused(kind, name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, got 0"):
        kind(**{name: 0})


@pytest.mark.parametrize("sizes", [{"page_size": 3}, {"cache_tokens": 31}], ids=str)
def test_a_cache_of_less_than_two_pages_is_refused(sizes):
    with pytest.raises(ConfigError, match="cache_tokens two pages"):
        EngineConfig(**sizes)


def test_documented_import_paths_stay():
    from t2l_fast.serve import app, config
    from t2l_fast.serve.engine.config import EngineConfig
    from t2l_fast.serve.http.app import create_app
    from t2l_fast.serve.tenants.limits import Limits

    assert app.create_app is create_app
    assert (config.EngineConfig, config.Limits) == (EngineConfig, Limits)
