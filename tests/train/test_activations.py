"""Layers that run again in backward: the same gradients, less kept, and a model left as it was."""

import pytest
import torch
from torch import nn

from t2l_fast.errors import UnsupportedModel
from t2l_fast.train.model.activations import recomputed_activations


@pytest.fixture(params=[False, True], ids=["A and B kept", "A and B made again"])
def measured(request, tiny, trainer):
    """again → gradients of a step, the largest of what autograd keeps of the base, layer calls."""

    def measure(again: bool, **options):
        made = trainer(
            f"{again}",
            generator=tiny.generator(tiny.model()).double(),
            model=tiny.model().double(),
            start="plain",
            recompute_weights=request.param,
            recompute_activations=again,
            **options,
        )
        for head in made.generator.heads.values():
            nn.init.normal_(head.weight, std=0.1, generator=torch.Generator().manual_seed(1))
        made.codes.embeddings = [rows.double() for rows in made.codes.embeddings]
        calls, kept = [], []
        for layer in made.model.model.layers:
            layer.self_attn.register_forward_pre_hook(lambda *_: calls.append(1))
        torch.manual_seed(0)
        with made.attached() as adapters:
            made.generator.train()
            note = torch.autograd.graph.saved_tensors_hooks(
                lambda t: kept.append(t.numel()) or t, lambda t: t
            )
            with note:
                made.backward(adapters, made.preparation.step(0))
        gradients = {name: p.grad for name, p in made.generator.named_parameters()}
        return gradients, sum(kept), len(calls)

    return measure


@pytest.mark.parametrize("options", [{}, {"neftune_alpha": 5.0}], ids=["plain", "neftune"])
def test_gradients_are_the_same_and_less_is_kept(measured, options):
    gradients, kept, calls = measured(False, **options)
    same, less, again = measured(True, **options)
    for name, expected in gradients.items():
        torch.testing.assert_close(same[name], expected, rtol=1e-6, atol=1e-12)
    assert again == 2 * calls
    assert less < kept


def test_a_run_may_be_resumed_so(runs, trainer):
    cut = trainer("cut")
    with pytest.raises(runs.Interrupted):
        cut.train(on_step=runs.interrupt_at(3))
    again = trainer("cut", recompute_activations=True)
    again.train(resume=True)
    assert again.step == runs.STEPS


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_the_model_is_left_as_it_was(tiny, fails):
    model = tiny.model()
    before = tiny.parts(model)
    with pytest.raises(RuntimeError) if fails else recomputed_activations(model):
        if fails:
            with recomputed_activations(model):
                raise RuntimeError
        assert all("forward" in vars(layer) for layer in model.model.layers)
    assert tiny.parts(model) == before
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_model_without_such_layers_is_refused():
    with pytest.raises(UnsupportedModel, match="got Linear: leave it False"):
        with recomputed_activations(nn.Linear(2, 2)):
            pass


def test_layers_keep_their_mode_and_drop_nothing(tiny):
    model = tiny.model()
    seen = []
    for module in model.modules():
        module.register_forward_pre_hook(lambda module, _: seen.append(module.training))
    with recomputed_activations(model):
        # as training runs it; older releases of transformers warn, and drop a cache, otherwise
        model(torch.tensor([[1, 2]]), use_cache=False).logits.sum().backward()
    assert seen and not any(seen)
