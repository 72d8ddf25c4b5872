"""GeneratorConfig: the fields that the configs of all generators have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, ClassVar

from torch import nn
from typing_extensions import Self

from t2l_fast.adapters.peft_format import Origin
from t2l_fast.adapters.sites import find_sites
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.generators.cost import GeneratorCost
from t2l_fast.models import HUB_NAMES

DEFAULT_KIND = "text_to_lora"
"""The kind of new generators, and of folders whose config names none."""


class GeneratorConfig:
    """Base of generators' configs, which are frozen dataclasses with these fields.

    Fields:
        base_model: what the adapters are for, as `load_model` takes it.
        encoder: what embeds conditions, as `load_encoder` takes it; "one_hot" needs `task_names`.
        prompt_template: what the base model reads, with "{input}"; None = its chat template.
        lora: rank, scale and target modules of the adapters.
        num_layers: layers that carry adapters; the same for every module.
        module_shapes: site key → (in_features, out_features).
        module_paths: site key → module path of every layer, for PEFT folders.
        task_names: conditions of one-hot generators, in order.
    """

    __slots__ = ()
    kind: ClassVar[str]
    base_model: str | None
    encoder: str | None
    prompt_template: str | None
    lora: LoraConfig
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    module_paths: Mapping[str, tuple[str, ...]] | None
    task_names: tuple[str, ...]

    @classmethod
    def for_model(
        cls, model: nn.Module, *, lora: LoraConfig, exclude: tuple[str, ...] = (), **options: Any
    ) -> Self:
        """Return the config whose adapters fit `model`.

        Args:
            model: the base model.
            lora: rank, scale and target modules of the adapters.
            exclude: paths or suffixes of linears to leave out, as for `attach`.
            options: the config's other fields.

        Raises:
            ConfigError: the target modules occur in different numbers of layers.
            SiteNotFound, UnsupportedModel: as for `attach`.
        """
        return cls(lora=lora, **model_shape(model, lora, exclude), **options)  # pyright: ignore

    @classmethod
    def option_defaults(cls) -> dict[str, Any]:
        """Return the defaults of `for_model` for fields of this config."""
        known, defaults = {field.name for field in fields(cls)}, {}  # pyright: ignore
        for base in reversed(cls.__mro__):
            if "for_model" in vars(base):
                parameters = inspect.signature(base.for_model).parameters  # pyright: ignore
                defaults |= {name: each.default for name, each in parameters.items()}
        empty = inspect.Parameter.empty
        return {k: value for k, value in defaults.items() if k in known and value is not empty}

    @classmethod
    def published(cls) -> Self:
        """Return the shape of the generator that the system's authors trained for a 7B model.

        Raises:
            ConfigError: none is known for this kind.
        """
        raise ConfigError(f"{cls.kind} has no published generator here: give a config of your own")

    def cost(self, codes: int) -> GeneratorCost:
        """Return the arithmetic of one training call.

        Args:
            codes: N, adapters that the call gives.

        Raises:
            ConfigError: this kind gives no formula.
        """
        raise ConfigError(f"{self.kind} gives no formula for its cost: measure a step")

    @property
    def origin(self) -> Origin:
        """What a PEFT folder of its adapters notes: base model and task."""
        if self.base_model is None:
            return Origin()
        paths = (path for group in (self.module_paths or {}).values() for path in group)
        encodes = any(path.startswith("encoder.") for path in paths)
        task = "SEQ_2_SEQ_LM" if encodes else "CAUSAL_LM"
        return Origin(HUB_NAMES.get(self.base_model, self.base_model), task_type=task)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore
        return plain | {"lora": self.lora.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave.

        Raises:
            ConfigError: a field is missing, unknown or out of its range.
        """
        every = fields(cls)  # pyright: ignore
        known = {field.name for field in every}
        needed = {f.name for f in every if f.default is f.default_factory is MISSING}
        if not needed <= plain.keys() <= known or not isinstance(plain["lora"], Mapping):
            raise ConfigError(
                f"a {cls.__name__} must hold {sorted(needed)}, optionally "
                f"{sorted(known - needed)}, got {sorted(plain)}"
            )
        try:
            return cls(**{**plain, "lora": LoraConfig.from_peft(plain["lora"])})
        except ConfigError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"a field of this {cls.__name__} has the wrong type: {error}"
            ) from None

    def _set(self, name: str, value: Any) -> None:
        """Normalise a field of a frozen config in `__post_init__`."""
        object.__setattr__(self, name, value)

    def _check_shapes(self) -> None:
        """Normalise and check the fields that every config has."""
        shapes = {m: tuple(shape) for m, shape in dict(self.module_shapes).items()}
        sizes = [n for shape in shapes.values() for n in shape]
        whole = all(type(n) is int and n > 0 for n in sizes)
        if not shapes or any(len(shape) != 2 for shape in shapes.values()) or not whole:
            raise ConfigError(
                f"module_shapes must map site keys to (in_features, out_features), got {shapes}"
            )
        self._set("module_shapes", shapes)
        self._set("task_names", tuple(self.task_names))
        if self.module_paths is not None:
            paths = {m: tuple(names) for m, names in self.module_paths.items()}
            if paths.keys() != shapes.keys() or {*map(len, paths.values())} != {self.num_layers}:
                raise ConfigError(
                    f"module_paths must hold {self.num_layers} paths for each of {list(shapes)}, "
                    f"got { ({m: len(p) for m, p in paths.items()}) }"
                )
            self._set("module_paths", paths)
        if self.prompt_template is not None and self.prompt_template.count("{input}") != 1:
            raise ConfigError(
                f"prompt_template must hold '{{input}}' once, got {self.prompt_template!r}"
            )

    def _check_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a positive integer, got {value!r}")


def model_shape(
    model: nn.Module, lora: LoraConfig, exclude: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return `num_layers`, `module_shapes` and `module_paths` of a model's sites.

    Args:
        model: the base model.
        lora: its target modules say which linears are sites.
        exclude: paths or suffixes of linears to leave out, as for `attach`.

    Raises:
        ConfigError: the target modules occur in different numbers of layers.
        SiteNotFound, UnsupportedModel: as for `attach`.
    """
    sites = find_sites(model, lora.target_modules, exclude=exclude)
    counts = {m: len(group) for m, group in sites.items()}
    if len({*counts.values()}) > 1:
        raise ConfigError(
            f"every target module must occur in as many layers as the others, got {counts}: "
            "exclude some"
        )
    return {
        "num_layers": next(iter(counts.values())),
        "module_shapes": {m: (g[0].in_features, g[0].out_features) for m, g in sites.items()},
        "module_paths": {m: tuple(site.path for site in g) for m, g in sites.items()},
    }
