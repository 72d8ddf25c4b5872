"""DeferredBatch: a LoraBatch's logits and gradients, and no matrix outlives its site."""

import weakref
from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import AdapterMismatch, UseError

ROWS = torch.tensor([0, -1, 2])


class Run:
    """One forward and backward through a generator, adapters kept or deferred, in fp64."""

    def __init__(self, tiny, arch, codes, deferred, wrap=lambda batch: batch, **options):
        self.generator = tiny.trained(arch, **options).double()
        self.model = tiny.build().double().requires_grad_(False)
        self.adapters = t2l.attach(self.model, self.generator.config.lora, num_slots=0)
        self.codes = codes.double().requires_grad_()
        latents = self.generator.latents(self.codes)
        made = (
            self.generator.deferred(self.generator.cut(latents))
            if deferred
            else self.generator(self.codes)
        )
        self.batch = wrap(made)

    def loss(self, tokens: torch.Tensor) -> torch.Tensor:
        with self.adapters.use(ROWS, weights=self.batch):
            logits = self.model(tokens).logits
        return logits.log_softmax(-1)[..., 5].mean()

    def gradients(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        loss = self.loss(tokens)
        loss.backward()
        own = [p.grad for p in self.generator.parameters()]
        return [loss.detach(), self.codes.grad, *own]


@pytest.mark.parametrize("head_bias", [True, False], ids=["bias", "no bias"])
def test_loss_and_gradients_are_those_of_kept_adapters(tiny, arch, codes, tokens, head_bias):
    mine, theirs = (
        Run(tiny, arch, codes, deferred, head_bias=head_bias).gradients(tokens)
        for deferred in (True, False)
    )
    assert all(g is not None and g.any() for g in mine)
    for got, expected in zip(mine, theirs, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_no_matrix_outlives_its_site(tiny, codes, tokens):
    alive: list[weakref.ref] = []

    def watched(batch):
        def make(*where):
            made = batch.make(*where)
            alive.append(weakref.ref(made))
            return made

        return replace(batch, make=make)

    run = Run(tiny, "L", codes, True, watched)
    loss = run.loss(tokens)
    sites = sum(len(group) for group in run.adapters.sites.values())
    assert len(alive) == 2 * sites
    assert [ref for ref in alive if ref() is not None] == []
    loss.backward()
    assert len(alive) == 4 * sites
    assert [ref for ref in alive if ref() is not None] == []


def test_what_is_no_matrix_goes_to_the_hooks_around(tiny, codes, tokens):
    """So that a checkpoint around a site drops the site's input."""
    run = Run(tiny, "L", codes, True)
    inputs, packed, unpacked = set(), set(), set()
    for group in run.adapters.sites.values():
        for site in group:
            site.module.register_forward_pre_hook(lambda _, args: inputs.add(args[0].data_ptr()))

    def pack(tensor):
        packed.add(tensor.data_ptr())
        return tensor

    def unpack(tensor):
        unpacked.add(tensor.data_ptr())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        loss = run.loss(tokens)
    loss.backward()
    assert inputs and inputs <= packed & unpacked
    plain = Run(tiny, "L", codes, True).gradients(tokens)
    torch.testing.assert_close(run.codes.grad, plain[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reentrant", [False, True], ids=["non-reentrant", "reentrant"])
def test_activation_checkpointing_changes_no_gradient(tiny, codes, tokens, reentrant):
    found = []
    for checkpointed in (True, False):
        run = Run(tiny, "L", codes, True)
        cut = run.generator.cut(run.generator.latents(run.codes))
        leaves = {key: t.detach().requires_grad_() for key, t in cut.items()}
        batch = run.generator.deferred(leaves)
        inputs = run.model.get_input_embeddings()(tokens).requires_grad_()
        if checkpointed:
            run.model.train()
            options = {"use_reentrant": reentrant}
            run.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
        with run.adapters.use(ROWS, weights=batch):
            run.model(inputs_embeds=inputs).logits.square().mean().backward()
        heads = run.generator.heads.parameters()
        found.append([*(t.grad for t in leaves.values()), *(p.grad for p in heads)])
    for got, expected in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_logits_are_those_of_kept_adapters(tiny, codes, tokens, mode):
    with mode():
        losses = [Run(tiny, "S", codes, deferred).loss(tokens) for deferred in (True, False)]
    torch.testing.assert_close(*losses, rtol=1e-12, atol=0)


def test_one_batch_serves_several_forwards_before_their_backwards(tiny, codes, tokens):
    """Gradient accumulation, as micro-batches of one step do it."""
    found = []
    for deferred in (True, False):
        run = Run(tiny, "L", codes, deferred)
        total = run.loss(tokens) + run.loss(tokens.flip(1))
        total.backward()
        found.append([p.grad for p in run.generator.parameters()])
    for got, expected in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_autocast_and_another_dtype_of_the_model_make_the_same_matrices_again(tiny, codes, tokens):
    found = []
    for deferred in (True, False):
        run = Run(tiny, "L", codes, deferred)
        run.model.float()
        run.generator.float()
        latents = run.generator.latents(codes)
        run.batch = (
            run.generator.deferred(run.generator.cut(latents)) if deferred else run.generator(codes)
        )
        with torch.autocast("cpu", torch.bfloat16):
            loss = run.loss(tokens)
        loss.backward()
        found.append([p.grad for p in run.generator.parameters()])
    for got, expected in zip(*found, strict=True):
        assert (got - expected).norm() <= 0.05 * expected.norm()


@pytest.mark.parametrize("what", ["a head", "a latent"])
def test_sources_written_before_backward_are_an_error_not_another_gradient(
    tiny, codes, tokens, what
):
    run = Run(tiny, "L", codes, True)
    last = run.batch.sources[-1 - len(list(run.generator.heads.parameters()))]
    loss = run.loss(tokens)
    with torch.no_grad():
        (run.generator.heads["v_proj"].weight if what == "a head" else last).mul_(2.0)
    with pytest.raises(UseError, match="step the optimiser after backward"):
        loss.backward()


@pytest.mark.slow
def test_compiled_models_keep_the_matrices_and_give_the_same(tiny, codes, tokens):
    run = Run(tiny, "L", codes, True)
    compiled = torch.compile(run.model, backend="eager", fullgraph=True)
    with run.adapters.use(ROWS, weights=run.batch):
        logits = compiled(tokens).logits
        logits.sum().backward()
        torch.testing.assert_close(logits, run.model(tokens).logits)
    assert all(p.grad is not None for p in run.generator.heads.parameters())


def test_a_batch_for_another_model_is_refused(tiny, codes):
    run = Run(tiny, "L", codes, True)
    wrong = replace(run.batch, module_shapes={"v_proj": (2, 99, 16)})
    with pytest.raises(AdapterMismatch, match="v_proj"), run.adapters.use(ROWS, weights=wrong):
        pass
