"""attach(materialise=…): cores in slots give the model that A and B give, and what they refuse."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.adapters import Bases, materialise
from t2l_fast.adapters.kinds.core import CoreSlab
from t2l_fast.errors import AdapterMismatch, ArgumentError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_kernels.basis.cost import Linears

ROWS = [0, None, 2, 1, 0]


@pytest.fixture
def batch():
    return torch.randint(3, 61, (len(ROWS), 7), generator=torch.Generator().manual_seed(6))


def attached(tiny, generator, how, num_slots=4, model=None, **options):
    model = tiny.build() if model is None else model
    lora = generator.config.lora
    return model, t2l.attach(
        model, lora, num_slots=num_slots, generator=generator, materialise=how, **options
    )


@torch.no_grad()
def logits(tiny, generator, codes, tokens, how, **options) -> torch.Tensor:
    model, adapters = attached(tiny, generator, how, **options)
    ids = adapters.bank.register(codes=codes)
    rows = [None if i is None else ids[i] for i in ROWS]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        return model(tokens).logits


@pytest.mark.parametrize("head_bias", [True, False], ids=["bias", "no bias"])
def test_a_mixed_batch_has_the_logits_of_materialised_adapters(tiny, codes, batch, head_bias):
    generator = tiny.trained("S", head_bias=head_bias)
    mine, theirs = (logits(tiny, generator, codes, batch, how) for how in (False, True))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
    bare = tiny.build()(batch).logits
    assert torch.equal(mine[1], bare[1])
    assert (mine[0] - bare[0]).abs().max() > 0.1


def test_slots_of_another_dtype_than_the_model_agree_to_rounding(tiny, codes, batch):
    generator = tiny.trained("S")
    options = {"dtype": torch.bfloat16}
    mine, theirs = (logits(tiny, generator, codes, batch, how, **options) for how in (False, True))
    bare = tiny.build()(batch).logits
    assert (mine - theirs).norm() < 0.05 * (theirs - bare).norm()


def test_slots_are_refilled_as_adapters_come_and_go(tiny, codes, batch):
    generator = tiny.trained("S")
    model, adapters = attached(tiny, generator, False, num_slots=1)
    ids = adapters.bank.register(codes=codes)
    seen = []
    with torch.no_grad():
        for i in (0, 1, 0):
            with adapters.bank.lease([ids[i]] * len(batch)) as lease, adapters.use(lease):
                seen.append(model(batch).logits)
    assert torch.equal(seen[0], seen[2])
    assert not torch.allclose(seen[0], seen[1])


def test_a_slot_is_as_small_as_its_cores(tiny):
    generator = tiny.trained("S", head_in_size=15)
    _, adapters = attached(tiny, generator, False, dtype=torch.float16)
    config = generator.config
    numbers = config.num_layers * config.lora.rank * 2 * 16 * len(config.module_shapes)
    assert adapters.slab.bytes_per_slot == 2 * numbers


def test_gradients_reach_inputs_through_cores(tiny, codes, batch):
    generator = tiny.trained("S")
    found = []
    for how in (False, True):
        model, adapters = attached(tiny, generator, how)
        inputs = model.get_input_embeddings()(batch).detach().requires_grad_()
        ids = adapters.bank.register(codes=codes)
        with adapters.bank.lease([ids[0]] * len(batch)) as lease, adapters.use(lease):
            model(inputs_embeds=inputs).logits.square().mean().backward()
        found.append(inputs.grad)
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_compiled_models_run_cores_in_one_graph(tiny, codes, batch):
    generator = tiny.trained("S")
    model, adapters = attached(tiny, generator, False)
    ids = adapters.bank.register(codes=codes)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    rows = [None if i is None else ids[i] for i in ROWS]
    with torch.no_grad(), adapters.bank.lease(rows) as lease, adapters.use(lease):
        torch.testing.assert_close(compiled(batch).logits, model(batch).logits)


def test_trained_weights_are_refused_with_the_remedy(tiny):
    generator = tiny.trained("S")
    _, adapters = attached(tiny, generator, False)
    weights = generator.generate(codes=torch.randn(1, 12))[0]
    with pytest.raises(AdapterMismatch, match="materialise=True"):
        adapters.bank.register(weights=[weights])
    assert len(adapters.bank) == 0


def test_codes_of_changed_bases_are_refused(tiny, codes):
    generator = tiny.trained("S")
    _, adapters = attached(tiny, generator, False)
    old = adapters.bank.register(codes=codes)
    with torch.no_grad():
        generator.heads["v_proj"].weight.add_(1.0)
    for again in (lambda: adapters.bank.register(codes=codes), lambda: adapters.bank.lease(old)):
        with pytest.raises(AdapterMismatch, match="weights changed, so detach and attach again"):
            again()
    assert list(adapters.bank) == old and not adapters.bank.resident


def test_a_and_b_are_no_cores_even_where_sizes_agree(tiny, codes):
    """in, out and the padded hidden size are all 32 here."""
    model = tf.LlamaForCausalLM(
        tf.LlamaConfig(
            hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, vocab_size=61,
        )
    )  # fmt: skip
    lora = t2l.LoraConfig(("q_proj", "v_proj"), 3, 6)
    shape = {"latent_size": 8, "head_in_size": 20, "task_embedding_size": 12, "arch": "S"}
    generator = TextToLora(T2LConfig.for_model(model, lora=lora, **shape))
    adapters = t2l.attach(model, lora, num_slots=4, generator=generator, materialise=False)
    slots = torch.arange(3)
    made = generator.generate(codes=codes)
    for write in (
        lambda: generator.generate_into(codes, adapters.slab, slots),
        lambda: adapters.slab.write_batch(made, slots),
        lambda: adapters.slab.write(made[0], 0),
    ):
        with pytest.raises(AdapterMismatch, match="got A and B: attach with materialise=True"):
            write()
    assert not adapters.slab.lora_a["q_proj"].any()


class PerLayer(t2l.AdapterGenerator):
    """Adapters that are cores over bases of each layer's own, of two hidden sizes."""

    kind, code_shape, fingerprint = "per layer", (5,), "per-layer-1"

    def __init__(self, layers: int, shapes: dict[str, tuple[int, int]], lora: t2l.LoraConfig):
        draws = torch.Generator().manual_seed(0)

        def random(*size: int) -> torch.Tensor:
            return torch.randn(*size, generator=draws) / 4

        self.lora = lora
        self.a = {m: random(layers, 16, size) for m, (size, _) in shapes.items()}
        self.b = {m: random(layers, 32, size) for m, (_, size) in shapes.items()}
        self.to_a = {m: random(5, layers, lora.rank, 16) for m in shapes}
        self.to_b = {m: random(5, layers, lora.rank, 32) for m in shapes}

    def encode(self, conditions):
        raise NotImplementedError

    def bases(self) -> Bases:
        return Bases(self.a, self.b, self.fingerprint)

    def cores(self, codes):
        a, b = (
            {m: torch.einsum("nc,clrh->lnrh", codes, t) for m, t in part.items()}
            for part in (self.to_a, self.to_b)
        )
        return t2l.LoraBatch(self.lora, a, b)

    def forward(self, codes):
        cores = self.cores(codes)
        a = {m: t @ self.a[m][:, None] for m, t in cores.lora_a.items()}
        b = {m: t @ self.b[m][:, None] for m, t in cores.lora_b.items()}
        return t2l.LoraBatch(self.lora, a, b)

    def generate(self, conditions=None, *, codes=None):
        return self.forward(codes)


@torch.no_grad()
def test_bases_of_each_layer_their_own_scale_and_a_wider_slot(tiny, batch):
    """Another alpha than elsewhere, and rows beyond the live rank that must not be read."""
    model = tiny.build()
    lora = t2l.LoraConfig(("v_proj", "up_proj"), 2, 7)
    generator = PerLayer(2, {"v_proj": (32, 16), "up_proj": (32, 48)}, lora)
    codes = torch.randn(3, 5)
    found = []
    for how in (False, True):
        adapters = t2l.attach(
            model, lora, num_slots=4, rank_max=3, generator=generator, materialise=how
        )
        for tensors in (adapters.slab.lora_a, adapters.slab.lora_b):
            for tensor in tensors.values():
                tensor[:, :, 2:] = torch.nan
        ids = adapters.bank.register(codes=codes)
        rows = [None if i is None else ids[i] for i in ROWS]
        with adapters.bank.lease(rows) as lease, adapters.use(lease):
            found.append(model(batch).logits)
        adapters.detach()
    assert not torch.allclose(found[0][0], found[0][2])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("part", ["a", "b"])
def test_each_side_of_the_bases_must_fit(tiny, part):
    generator = PerLayer(2, {"v_proj": (32, 16)}, t2l.LoraConfig(("v_proj",), 2, 4))
    getattr(generator, part)["v_proj"] = torch.zeros(2, 16, 99)
    with pytest.raises(AdapterMismatch, match="with all of its target_modules"):
        t2l.attach(
            tiny.build(), generator.lora, num_slots=4, generator=generator, materialise=False
        )


def test_auto_is_asked_about_the_wider_of_two_hidden_sizes(tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(materialise, "cores_win", lambda *about: asked.append(about[0]))
    generator = PerLayer(2, {"v_proj": (32, 16)}, t2l.LoraConfig(("v_proj",), 2, 4))
    t2l.attach(tiny.build(), generator.lora, num_slots=4, generator=generator, materialise="auto")
    assert asked == [[Linears(2, 32, 16, 32)]]


def test_a_code_larger_than_its_core_stays_a_code(tiny):
    generator = PerLayer(2, {"v_proj": (32, 16)}, t2l.LoraConfig(("v_proj",), 2, 4))
    generator.code_shape = (4096,)
    generator.to_a = {"v_proj": torch.randn(4096, 2, 2, 16)}
    generator.to_b = {"v_proj": torch.randn(4096, 2, 2, 32)}
    adapters = t2l.attach(
        tiny.build(), generator.lora, num_slots=1, generator=generator, materialise=False
    )
    assert 2 * 4096 > adapters.slab.bytes_per_slot
    ids = adapters.bank.register(codes=torch.randn(1, 4096))
    adapters.bank.lease(ids).release()
    assert adapters.slab.lora_a["v_proj"].any()


AUTOCAST = [(how, grad) for how in (True, False) for grad in (True, False)]


@pytest.mark.parametrize(("how", "grad"), AUTOCAST)
def test_fp32_slots_under_autocast(tiny, codes, batch, how, grad):
    """Leased inside as well: what a slot holds does not depend on autocast."""
    generator = tiny.trained("S")
    found = []
    for cast in (True, False):
        model, adapters = attached(tiny, generator, how)
        ids = adapters.bank.register(codes=codes)
        rows = [None if i is None else ids[i] for i in ROWS]
        with torch.autocast("cpu", torch.bfloat16, enabled=cast), torch.set_grad_enabled(grad):
            inputs = model.get_input_embeddings()(batch).detach().requires_grad_(grad)
            with adapters.bank.lease(rows) as lease, adapters.use(lease):
                out = model(inputs_embeds=inputs).logits.float()
                if grad:
                    out.square().mean().backward()
        found.append((adapters.slab.lora_a["v_proj"].clone(), inputs.grad if grad else out))
    (slab, mine), (expected_slab, expected) = found
    assert torch.equal(slab, expected_slab)
    assert (mine - expected).norm() < 0.1 * expected.norm()


@pytest.mark.parametrize("arch", ["L", "M"])
def test_only_generators_with_shared_bases_give_cores(tiny, arch):
    with pytest.raises(ArgumentError, match="kind text_to_lora without bases: use"):
        attached(tiny, tiny.trained(arch), False)
    with pytest.raises(ArgumentError, match='cores need arch="S"'):
        tiny.trained(arch).cores(torch.randn(1, 12))


@pytest.mark.parametrize(
    ("how", "num_slots", "message"),
    [
        (False, 0, "materialise=False needs slots"),
        ("always", 4, 'True, False or "auto"'),
        (0, 4, 'True, False or "auto", got 0'),
    ],
    ids=["no slots", "unknown", "a number"],
)
def test_bad_choices_are_named(tiny, how, num_slots, message):
    model = tiny.build()
    with pytest.raises(ArgumentError, match=message):
        attached(tiny, tiny.trained("S"), how, num_slots, model)
    attached(tiny, tiny.trained("S"), True, 4, model)  # nothing was left attached


def test_bases_of_another_model_are_refused(tiny):
    model = tiny.build()
    lora = t2l.LoraConfig(("v_proj", "up_proj"), 3, 6)
    shapes = {"v_proj": (24, 16), "up_proj": (24, 48)}
    sizes = dict(latent_size=8, head_in_size=6, task_embedding_size=12, num_layers=2)
    foreign = TextToLora(T2LConfig(arch="S", module_shapes=shapes, lora=lora, **sizes))
    with pytest.raises(AdapterMismatch, match="attach to the base model"):
        attached(tiny, foreign, False, model=model)


def test_sites_without_bases_run_the_base_alone(tiny, codes, batch):
    generator = tiny.trained("S")
    wider = t2l.LoraConfig(("v_proj", "up_proj", "q_proj"), 3, 6)
    model = tiny.build()
    adapters = t2l.attach(model, wider, num_slots=4, generator=generator, materialise=False)
    ids = adapters.bank.register(codes=codes)
    rows = [None if i is None else ids[i] for i in ROWS]
    with torch.no_grad(), adapters.bank.lease(rows) as lease, adapters.use(lease):
        mine = model(batch).logits
    torch.testing.assert_close(
        mine, logits(tiny, generator, codes, batch, True), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("verdict", "kind"), [(True, CoreSlab), (False, t2l.LoraSlab), (None, t2l.LoraSlab)]
)
def test_auto_follows_the_cost_model(tiny, monkeypatch, verdict, kind):
    asked = []
    monkeypatch.setattr(materialise, "cores_win", lambda *about: asked.append(about) or verdict)
    _, adapters = attached(tiny, tiny.trained("S"), "auto", 7, dtype=torch.float16)
    assert type(adapters.slab) is kind
    linears = [Linears(2, 32, 16, 16), Linears(2, 32, 48, 16)]
    assert asked == [(linears, 7, 3, torch.float16, torch.device("cpu"))]


@pytest.mark.parametrize("arch", ["L", "M"])
def test_auto_materialises_what_has_no_bases(tiny, arch):
    _, adapters = attached(tiny, tiny.trained(arch), "auto")
    assert type(adapters.slab) is t2l.LoraSlab
    assert materialise.make_slab(adapters.sites, None, 0, 3, torch.float32, "auto") is None


@torch.no_grad()
def test_mixtures_of_cores_are_those_of_materialised_adapters(tiny, codes, batch):
    generator = tiny.trained("S")
    seen = []
    for how in (False, True):
        rank = 2 * generator.config.lora.rank
        model, adapters = attached(tiny, generator, how, rank_max=rank)
        a, b, c = adapters.bank.register(codes=codes[:3])
        rows = [{a: 0.7, b: -0.3}, a, None, {b: 0.5, c: 1.5}, {c: 2.0}]
        with adapters.bank.lease(rows) as lease, adapters.use(lease):
            seen.append(model(batch).logits)
        with pytest.raises(AdapterMismatch, match=f"add up to {3 * rank // 2}"):
            adapters.bank.lease([{a: 1.0, b: 1.0, c: 1.0}])
    torch.testing.assert_close(*seen, rtol=1e-4, atol=1e-4)
    assert (seen[0][0] - seen[0][1]).abs().max() > 0.1
