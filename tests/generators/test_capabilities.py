"""What kinds can and can't: costs by formula, published shapes, refusals that name who can."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import t2l_fast as t2l
from t2l_fast.errors import ConfigError
from t2l_fast.generators import DEFAULT_KIND, MultiTaskLora, Zhyper, kinds, registration

SMALL = dict(latent_size=8, head_in_size=6, task_embedding_size=12)
WITH_A_COST = {
    "L": ("text_to_lora", dict(arch="L")),
    "M": ("text_to_lora", dict(arch="M")),
    "S": ("text_to_lora", dict(arch="S")),
    "S, learnable positions": ("text_to_lora", dict(arch="S", rank_positions="learnable")),
    "L, rank by rank": ("text_to_lora", dict(rank_rows=True)),
    "L, vq": ("text_to_lora", dict(task_encoder="vq")),
    "zhyper, diagonal": ("zhyper", dict(modulation="diagonal")),
    "zhyper, full": ("zhyper", dict(modulation="full")),
}


def new(kind, model, **options):
    lora = t2l.LoraConfig(("v_proj", "up_proj"), rank=3, alpha=6)
    entry = registration(kind)
    torch.manual_seed(1)
    return entry.model(entry.config.for_model(model, lora=lora, **options))


@pytest.mark.parametrize("variant", WITH_A_COST)
def test_a_cost_is_what_torch_counts(variant, tiny):
    kind, options = WITH_A_COST[variant]
    generator = new(kind, tiny.build(), **SMALL, **options)
    cost = generator.config.cost(5)
    codes = torch.randn(5, *generator.code_shape)
    with FlopCounterMode(display=False) as counter:
        batch = generator.train()(codes)
    assert counter.get_total_flops() == cost.forward_flops > 0
    written = [*batch.lora_a.values(), *batch.lora_b.values()]
    assert sum(t.numel() for t in written) == cost.numbers
    assert sum(p.numel() for p in generator.parameters() if p.requires_grad) == cost.parameters
    with FlopCounterMode(display=False) as counter:
        sum(t.square().sum() for t in written).backward()
    assert counter.get_total_flops() == cost.backward_flops


def test_a_kind_without_a_formula_says_so(tiny):
    config = new("multi_task_lora", tiny.build()).config
    with pytest.raises(ConfigError, match="multi_task_lora gives no formula"):
        config.cost(1)


def test_the_default_kind_has_a_published_shape():
    config = registration(DEFAULT_KIND).config.published()
    assert config.num_parameters() == 55_424_000 and config.num_layers == 32
    with pytest.raises(ConfigError, match="zhyper has no published generator"):
        registration("zhyper").config.published()


def test_for_models_defaults_are_the_options_defaults(tiny):
    lora = t2l.LoraConfig(("v_proj",), rank=2, alpha=2)
    seen = {}
    for kind in set(kinds()) - {"multi_task_lora"}:
        config = registration(kind).config
        seen[kind] = config.option_defaults()
        made = config.for_model(tiny.build(), lora=lora, task_embedding_size=8)
        assert {name: getattr(made, name) for name in seen[kind]} == seen[kind]
    assert seen["text_to_lora"] == {"arch": "L"} | seen["zhyper"]
    assert set(seen["zhyper"]) == {"latent_size", "head_in_size"}


@pytest.mark.parametrize("kind", ["zhyper", "multi_task_lora"])
def test_refusals_name_the_kinds_that_can(kind, tiny):
    """Kinds of Text-to-LoRA's own alone start at an adapter's offsets or by reconstruction."""
    generator = new(kind, tiny.build(), **(SMALL if kind == "zhyper" else {}))
    for refused in (
        lambda: generator.start_at_adapter(None),
        lambda: generator.start_reconstruction({}, 1.0),
        lambda: generator.unscaled_state(1.0),
    ):
        with pytest.raises(ConfigError, match=f"of kind text_to_lora, got {kind}"):
            refused()


def test_one_hot_generators_know_their_tasks_alone(tiny):
    model = tiny.build()
    options = SMALL | dict(task_embedding_size=2)
    named = new("zhyper", model, encoder="one_hot", task_names=("a", "b"), **options)
    assert named.known_conditions == ("a", "b") and not named.reads_text
    free = new("zhyper", model, **SMALL)
    assert isinstance(free, Zhyper) and free.known_conditions == () and free.reads_text
    one = new("multi_task_lora", model)
    assert isinstance(one, MultiTaskLora) and one.known_conditions == () and not one.reads_text
