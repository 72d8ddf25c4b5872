"""Every job of a batch is what training it alone gives."""

from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.adapters import MixedBatch


def test_each_job_is_what_peft_and_torch_give_alone(tiny, multi):
    jobs = multi.different()
    multi.train(jobs, model=tiny.taught().double(), slots=4)
    for job in jobs:
        expected = multi.alone(job, tiny.taught().double())
        ours = multi.trained(job.name)
        assert ours.keys() == expected.keys()
        for name, tensor in expected.items():
            # the model's norms compute in fp32 whatever its dtype
            torch.testing.assert_close(ours[name], tensor, rtol=1e-5, atol=1e-7)
        moved = [t.abs().max() for name, t in ours.items() if name.endswith("lora_B")]
        assert min(moved) > 1e-3


def test_in_bfloat16_a_job_is_near_what_it_is_alone(tiny, multi):
    jobs = [multi.job(f"shift-{by}", by, learning_rate=2e-3) for by in range(2, 6)]
    multi.train(jobs, model=tiny.taught().bfloat16())
    for job in jobs:
        multi.train([job], f"alone {job.name}", model=tiny.taught().bfloat16())
        ours = multi.trained(job.name)
        for name, tensor in multi.trained(job.name, f"alone {job.name}").items():
            assert ours[name].dtype == tensor.dtype == torch.float32
            # nine steps of at most 2e-3 each; AdamW's first ones are signs
            assert (ours[name] - tensor).abs().mean() < 2e-4


@pytest.mark.slow
def test_small_passes_give_the_same_as_one_large(tiny, multi):
    jobs = multi.different()[:3]
    double = dict(model=tiny.taught().double())
    multi.train(jobs, **double)
    multi.train(jobs, "small", max_tokens=12, **double)
    multi.train(jobs, "again", recompute_activations=True, **double)
    for folder in ("small", "again"):
        for job in jobs:
            for name, tensor in multi.trained(job.name).items():
                other = multi.trained(job.name, folder)[name]
                torch.testing.assert_close(other, tensor, rtol=1e-5, atol=1e-7)


def test_padded_models_train_the_same(tiny, multi):
    """A model with sliding windows is not packed."""
    import transformers as tf

    def model():
        options = dict(kind=tf.MistralForCausalLM, config=tf.MistralConfig, sliding_window=64)
        return tiny.model(**options).double()

    jobs = multi.different()[:3]
    multi.train(jobs, model=model())
    for job in jobs:
        expected = multi.alone(job, model())
        for name, tensor in multi.trained(job.name).items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-5, atol=1e-7)


def test_a_mixed_batch_runs_each_adapter_as_it_is_alone(tiny):
    """Forward and gradients, beside `use` with one adapter."""
    model = tiny.model().double()
    every = t2l.LoraConfig(("q_proj", "k_proj", "down_proj"), 1, 1.0)
    adapters = t2l.attach(model, every, num_slots=0)
    configs = [
        t2l.LoraConfig(("q_proj",), 2, 4.0),
        t2l.LoraConfig(("q_proj", "down_proj"), 5, 1.0),
        t2l.LoraConfig(("k_proj",), 3, 3.0),
    ]
    weights = []
    for i, config in enumerate(configs):
        sites = {m: adapters.sites[m] for m in config.target_modules}
        batch = t2l.LoraBatch.init(config, sites, 1, seed=i)
        torch.manual_seed(i)
        lora_b = {m: torch.randn_like(b)[:, 0].double() for m, b in batch.lora_b.items()}
        lora_a = {m: a.detach()[:, 0].double() for m, a in batch.lora_a.items()}
        weights.append(t2l.LoraWeights(config, lora_a, lora_b, batch.paths))
    ids = torch.randint(4, 40, (3, 7), generator=torch.Generator().manual_seed(0))
    mixed = MixedBatch.stack(weights, adapters.sites)
    with adapters.use(torch.tensor([2, 0, 1]), weights=mixed):
        together = model(input_ids=ids).logits
        together.square().sum().backward()
    for row, index in enumerate([2, 0, 1]):
        own = weights[index]
        batch = t2l.LoraBatch(
            own.config,
            {m: t[:, None].clone().requires_grad_() for m, t in own.lora_a.items()},
            {m: t[:, None].clone().requires_grad_() for m, t in own.lora_b.items()},
        )
        with adapters.use(torch.tensor([0]), weights=batch):
            logits = model(input_ids=ids[row : row + 1]).logits
            logits.square().sum().backward()
        torch.testing.assert_close(together[row], logits[0], rtol=1e-5, atol=1e-6)
        grad_a, grad_b = mixed.gradients(index, own.config.rank)
        assert grad_a.keys() == set(own.config.target_modules)
        for m in grad_a:
            for ours, wanted in ((grad_a, batch.lora_a), (grad_b, batch.lora_b)):
                close = dict(rtol=1e-4, atol=1e-5)
                torch.testing.assert_close(ours[m], wanted[m].grad[:, 0], **close)
    adapters.detach()


def test_dropout_is_each_jobs_own(tiny, multi):
    kept, dropping = multi.job("kept", 2), multi.job("dropping", 3, dropout=0.5)
    plain = replace(dropping, lora=replace(dropping.lora, dropout=0.0))
    double = dict(model=tiny.taught().double())
    multi.train([kept, dropping], "both", **double)
    multi.train([kept, plain], "none", **double)
    for name, tensor in multi.trained("kept", "both").items():
        torch.testing.assert_close(multi.trained("kept", "none")[name], tensor)
    changed = multi.trained("dropping", "none")
    assert any(
        (t - changed[name]).abs().max() > 1e-3
        for name, t in multi.trained("dropping", "both").items()
    )


@pytest.mark.parametrize("share", [0.0, 0.5], ids=["no dropout", "half"])
def test_dropped_inputs_keep_their_mean(share):
    from t2l_fast.adapters.active import dropped

    torch.manual_seed(0)
    x = torch.ones(2, 5000, 4)
    out = dropped(x, torch.full((10000,), share))
    assert set(out.unique().tolist()) == ({1.0} if share == 0.0 else {0.0, 2.0})
    assert out.mean().item() == pytest.approx(1.0, abs=0.03)
