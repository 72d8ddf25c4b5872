"""What every registered generator keeps, whatever its kind."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import peft
import pytest
import torch

import t2l_fast as t2l
from t2l_fast.adapters import AdapterBank, LoraSlab, find_sites
from t2l_fast.errors import ArgumentError, CheckpointError, ConfigError
from t2l_fast.generators import (
    AutoGenerator,
    Generator,
    MultiTaskLora,
    kinds,
    register,
    registration,
)

WIDTH = 12
TARGETS = ("v_proj", "up_proj")
SMALL: dict[str, list[dict[str, Any]]] = {
    "text_to_lora": [
        dict(arch=arch, latent_size=8, head_in_size=6, task_embedding_size=WIDTH) | more
        for arch, more in (
            ("L", {}),
            ("M", {}),
            ("S", {}),
            ("L", dict(offset="learnable", head_bias=False)),
            ("L", dict(task_encoder="softmax")),
        )
    ],
    "zhyper": [
        dict(latent_size=8, head_in_size=6, task_embedding_size=WIDTH, modulation=modulation)
        for modulation in ("diagonal", "full")
    ],
    "multi_task_lora": [{}],
}
"""Small options of every kind; a kind without any fails the test below."""


def test_every_kind_is_tested():
    assert set(kinds()) == set(SMALL)
    for kind in kinds():
        entry = registration(kind)
        assert entry.kind == kind == entry.model.kind and entry.summary.endswith(".")


@dataclass(frozen=True)
class Case:
    kind: str
    options: dict[str, Any]

    def new(self, model: torch.nn.Module) -> Generator:
        """As after training: no parameter is zero."""
        entry = registration(self.kind)
        lora = t2l.LoraConfig(TARGETS, rank=3, alpha=6)
        torch.manual_seed(1)
        generator = entry.model(entry.config.for_model(model, lora=lora, **self.options)).eval()
        draws = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for parameter in generator.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.3)
        return generator


def cases():
    for kind, several in SMALL.items():
        for options in several:
            words = [v for v in options.values() if isinstance(v, str)]
            yield pytest.param(Case(kind, options), id="-".join([kind, *words]))


@pytest.fixture(params=list(cases()))
def case(request):
    return request.param


@pytest.fixture
def base(tiny):
    return tiny.build()


@pytest.fixture
def generator(case, base):
    return case.new(base)


@pytest.fixture
def codes(generator):
    return torch.randn(3, *generator.code_shape, generator=torch.Generator().manual_seed(3))


def same(ours, theirs):
    assert ours.lora_a.keys() == theirs.lora_a.keys()
    for m in ours.lora_a:
        assert torch.equal(ours.lora_a[m], theirs.lora_a[m])
        assert torch.equal(ours.lora_b[m], theirs.lora_b[m])


def test_a_folder_gives_the_generator_back(generator, codes, tmp_path):
    generator.save_pretrained(tmp_path)
    loaded = AutoGenerator.from_pretrained(tmp_path)
    assert type(loaded) is type(generator) and not loaded.training
    assert loaded.fingerprint == generator.fingerprint
    same(loaded.generate(codes=codes), generator.generate(codes=codes))
    assert all(p.requires_grad for p in loaded.parameters())


def test_the_fingerprint_is_of_the_weights(case, generator, base):
    before = generator.fingerprint
    assert case.new(base).fingerprint == before
    assert generator.double().float().fingerprint == before
    for parameter in generator.parameters():
        with torch.no_grad():
            kept = parameter.clone()
            parameter.flatten()[0] += 1
            assert generator.fingerprint != before
            parameter.copy_(kept)
        assert generator.fingerprint == before


def test_many_at_once_equal_each_alone(generator, codes):
    at_once = generator.generate(codes=codes)
    for i, code in enumerate(codes):
        alone = generator.generate(codes=code[None])
        for m in at_once.lora_a:
            torch.testing.assert_close(at_once.lora_a[m][:, i], alone.lora_a[m][:, 0])
            torch.testing.assert_close(at_once.lora_b[m][:, i], alone.lora_b[m][:, 0])


def test_forward_is_adapters_of_latents_and_some_can_be_picked(generator, codes):
    latents = generator.latents(codes)
    whole = generator(codes)
    same(whole, generator.adapters(latents))
    part = generator.adapters(generator.pick(latents, [2, 0]))
    for m in whole.lora_a:
        torch.testing.assert_close(part.lora_a[m], whole.lora_a[m][:, [2, 0]])
        torch.testing.assert_close(part.lora_b[m], whole.lora_b[m][:, [2, 0]])


def test_gradients_reach_every_parameter(generator, codes):
    generator.train()
    batch = generator(codes)
    draws = torch.Generator().manual_seed(4)
    loss = sum((t * torch.randn(t.shape, generator=draws)).sum() for t in batch.parameters())
    (loss + sum(generator.auxiliary_losses().values())).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_generation_has_no_graph_and_leaves_the_mode(generator, codes):
    generator.train()
    batch = generator.generate(codes=codes)
    assert generator.training and not any(t.requires_grad for t in batch.parameters())
    generator.eval()
    same(batch, generator.generate(codes=codes))
    with pytest.raises(ArgumentError, match="either"):
        generator.generate()


def test_slots_hold_what_generate_gives(generator, codes, base):
    sites = find_sites(base, TARGETS)
    slab = LoraSlab.allocate(sites, 4, 3, torch.float32)
    generator.generate_into(codes, slab, torch.tensor([2, -1, 0]))
    batch = generator.generate(codes=codes)
    for m in batch.lora_a:
        for row, slot in ((0, 2), (2, 0)):
            torch.testing.assert_close(slab.lora_a[m][:, slot], batch.lora_a[m][:, row])
            torch.testing.assert_close(slab.lora_b[m][:, slot], batch.lora_b[m][:, row])
        assert not slab.lora_a[m][:, 1].any() and not slab.lora_b[m][:, 3].any()
        assert slab.ranks[m].tolist() == [[3, 0, 3, 0]] * len(slab.ranks[m])


def test_the_bank_rounds_codes_before_it_uses_them(generator, codes, base):
    sites = find_sites(base, TARGETS)
    bank = AdapterBank(LoraSlab.allocate(sites, 4, 3, torch.float32), sites, generator)
    ids = bank.register(codes=codes)
    stored = generator.generate(codes=codes.half().float())
    with bank.lease(ids) as lease:
        for m in stored.lora_a:
            for i, slot in enumerate(lease.slots.tolist()):
                torch.testing.assert_close(bank.slab.lora_a[m][:, slot], stored.lora_a[m][:, i])
                torch.testing.assert_close(bank.slab.lora_b[m][:, slot], stored.lora_b[m][:, i])


def test_cores_over_the_bases_are_the_adapters(generator, codes):
    bases = generator.shared_bases()
    if bases is None:
        with pytest.raises(ArgumentError, match="cores"):
            generator.cores(codes)
        return
    batch, cores = generator.generate(codes=codes), generator.cores(codes)
    for m in batch.lora_a:
        a = cores.lora_a[m] @ bases.a[m][:, None]
        b = cores.lora_b[m] @ bases.b[m][:, None]
        torch.testing.assert_close(a, batch.lora_a[m], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(b, batch.lora_b[m], rtol=1e-4, atol=1e-5)


def test_sites_can_ask_one_by_one(generator, codes):
    latents = generator.latents(codes)
    cut = generator.cut(latents)
    assert (cut is not None) == generator.defers
    if cut is None:
        return
    deferred, batch = generator.deferred(cut), generator.adapters(latents)
    for m, layer in cut:
        a, b = (deferred.matrix(m, layer, part, torch.float32) for part in (0, 1))
        torch.testing.assert_close(a, batch.lora_a[m][layer])
        torch.testing.assert_close(b, batch.lora_b[m][layer])


def test_heads_are_linear_in_what_they_read(generator, codes):
    heads, inputs = generator.head_linears(), generator.head_inputs(generator.latents(codes))
    assert heads.keys() <= inputs.keys() or not heads
    for name, head in heads.items():
        assert head.bias is not None and inputs[name].shape[-1] == head.in_features
    targets = generator.head_targets(generator(codes))
    for name, target in (targets or {}).items():
        if name in heads:
            got = heads[name](inputs[name]).flatten(0, -2)
            torch.testing.assert_close(got, target, rtol=1e-4, atol=1e-5)


def test_a_conditioned_start_reads_the_training_codes(generator):
    codes = torch.randn(12, *generator.code_shape, generator=torch.Generator().manual_seed(6))
    tasks = torch.arange(12) // 3
    before = generator.fingerprint
    generator.initialise(codes, tasks, "plain")
    assert generator.fingerprint == before
    generator.initialise(codes, tasks, "conditioned")
    assert generator.fingerprint != before or not generator.can_start("conditioned")


def test_a_resumed_optimiser_goes_on_as_if_uninterrupted(case, generator, codes, base, tmp_path):
    def step(model, optimizer):
        torch.manual_seed(7)
        model.train()
        sum(t.square().sum() for t in model(codes).parameters()).backward()
        optimizer.step()
        optimizer.zero_grad()

    optimizer = torch.optim.AdamW(generator.parameters(), lr=1e-2)
    step(generator, optimizer)
    torch.save((generator.state_dict(), optimizer.state_dict()), tmp_path / "state.pt")
    step(generator, optimizer)
    resumed = case.new(base)
    other = torch.optim.AdamW(resumed.parameters(), lr=1e-2)
    weights, state = torch.load(tmp_path / "state.pt")
    resumed.load_state_dict(weights)
    other.load_state_dict(state)
    step(resumed, other)
    assert resumed.fingerprint == generator.fingerprint


def test_a_peft_folder_gives_our_logits_in_peft(generator, codes, tiny, tokens, tmp_path):
    model = tiny.build()
    batch = generator.generate(codes=codes)
    adapters = t2l.attach(model, generator.config.lora, num_slots=0)
    with torch.no_grad(), adapters.use(torch.tensor([0, 1, 2]), weights=batch):
        ours = model(input_ids=tokens).logits
    adapters.detach()
    for i in range(len(codes)):
        batch[i].save_pretrained(tmp_path / str(i))
        theirs = peft.PeftModel.from_pretrained(tiny.build(), tmp_path / str(i)).eval()
        with torch.no_grad():
            logits = theirs(input_ids=tokens[i : i + 1]).logits
        torch.testing.assert_close(logits, ours[i : i + 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        (None, (None, None)),
        ("smollm2", ("HuggingFaceTB/SmolLM2-135M-Instruct", "CAUSAL_LM")),
        ("someone/model", ("someone/model", "CAUSAL_LM")),
    ],
)
def test_a_generated_folder_names_its_base_model(generator, codes, tmp_path, name, noted):
    generator.config = dataclasses.replace(generator.config, base_model=name)
    generator.generate(codes=codes)[0].save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (fields["base_model_name_or_path"], fields["task_type"]) == noted


def test_conditions_are_what_encode_reads(generator):
    entry = registration(generator.kind)
    assert entry.condition == generator.condition
    if entry.condition == "none":
        assert generator.encode(["a", "b"]).shape == (2, *generator.code_shape)
    else:
        with pytest.raises(ConfigError, match="encoder"):
            generator.encode(["a", "b"])


def test_a_kind_has_one_class_and_its_name(tmp_path):
    class Other(MultiTaskLora):
        kind = "zhyper"

    with pytest.raises(ConfigError, match="taken by Zhyper"):
        register(kind="zhyper", config=registration("zhyper").config, model=Other)
    with pytest.raises(ConfigError, match="must be 'odd'"):
        register(kind="odd", config=registration("zhyper").config, model=Other)
    with pytest.raises(ConfigError, match="zhyper"):
        registration("odd")
    (tmp_path / "config.json").write_text('{"kind": "odd"}')
    with pytest.raises(
        CheckpointError, match="one of 'multi_task_lora', 'text_to_lora', 'zhyper',"
    ):
        AutoGenerator.from_pretrained(tmp_path)
