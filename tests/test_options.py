"""A command's options come from a dataclass: defaults, bounds, choices, help."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import typer
from annotated_types import Ge, Gt, Interval
from typer.testing import CliRunner

from t2l_fast.bounds import check_bounds
from t2l_fast.cli.options import Fields, field_help, from_configs
from t2l_fast.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Config:
    """A run.

    Args:
        steps: optimiser steps, which
            go on in a second line.
        rate, second_rate: peak, of AdamW.
        share: of the steps.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: Annotated[int, Ge(1)]
    rate: Annotated[float, Gt(0)] = 1e-3
    second_rate: Annotated[float, Gt(0)] | None = None
    share: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    schedule: Literal["linear", "cosine"] = "cosine"
    mix: bool = True
    cast: bool = False

    def __post_init__(self) -> None:
        check_bounds(self)


def run(*arguments: str):
    app, seen = typer.Typer(), []

    @app.command()
    @from_configs
    def command(
        config: Annotated[Config, Fields(defaults={"steps": 7})],
        out: Annotated[str, typer.Argument()],
    ) -> None:
        """Run."""
        seen.append((config, out))

    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    return seen, result


def test_the_command_gets_the_config():
    arguments = ("o", "--second-rate", "2", "--schedule", "linear", "--no-mix", "--cast")
    expected = Config(7, second_rate=2.0, schedule="linear", mix=False, cast=True)
    assert run(*arguments)[0] == [(expected, "o")]
    assert run("o")[0] == [(Config(7), "o")]


def test_bounds_and_choices_are_the_dataclass_s():
    for arguments in (("--steps", "0"), ("--schedule", "x"), ("--no-cast",), ("--steps", "a")):
        seen, result = run("o", *arguments)
        assert result.exit_code == 2 and not seen, arguments
    for arguments, text in (
        (("--rate", "0"), "rate must be positive, got 0.0"),
        (("--second-rate", "-1"), "second_rate must be positive, got -1.0"),
        (("--share", "1"), r"share must be in \[0, 1\), got 1.0"),
    ):
        with pytest.raises(ConfigError, match=text):
            raise run("o", *arguments)[1].exception or AssertionError


def test_help_is_the_docstring_s():
    assert field_help(Config) == {
        "steps": "Optimiser steps, which go on in a second line.",
        "rate": "Peak, of AdamW.",
        "second_rate": "Peak, of AdamW.",
        "share": "Of the steps.",
    }
    text = " ".join(run("--help")[1].output.split())
    for part in ("go on in a second line", "x>=1", "default: 7", "linear|cosine", "--no-mix",
                 "Of the steps. Must be in [0, 1)."):  # fmt: skip
        assert part in text
    assert "--no-cast" not in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": 1, "schedule": "x"}, r"schedule must be one of 'linear', 'cosine', got 'x'"),
        ({"steps": 1, "share": -0.1}, r"share must be in \[0, 1\), got -0.1"),
        ({"steps": 1, "rate": float("nan")}, "rate must be positive, got nan"),
    ],
)
def test_check_bounds_names_the_field_the_range_and_the_value(values, message):
    with pytest.raises(ConfigError, match=message):
        Config(**values)


def test_one_name_in_two_configs_is_refused():
    def command(a: Annotated[Config, Fields()], b: Annotated[Config, Fields()]) -> None: ...

    with pytest.raises(TypeError, match="have a field steps"):
        from_configs(command)
