"""At its start an engine shows that it answers as the model does, or refuses the model."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.errors import ArgumentError, EngineError, T2LError, UnsupportedModel
from t2l_fast.serve import Engine, EngineConfig, SamplingParams
from t2l_fast.serve.engine import proof
from t2l_fast.serve.engine.transformers_batch import SlotRunner

MINE = list(range(70, 80))
SIZES = {"max_active": 4, "max_batch_tokens": 256, "cache_tokens": 2048}


def small(kind, config):
    """A model whose dominant logits leave no ties, attached at one of its linears."""
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0) if parameter.dim() == 2 else None
    return model


def gptj():
    config = tf.GPTJConfig(vocab_size=258, n_embd=32, n_layer=2, n_head=4, n_positions=128)
    config.rotary_dim = 4
    return small(tf.GPTJForCausalLM, config), "q_proj"


def bloom():
    config = tf.BloomConfig(vocab_size=258, hidden_size=32, n_layer=2, n_head=4)
    return small(tf.BloomForCausalLM, config), "query_key_value"


def attach(model, target):
    return t2l.attach(model, t2l.LoraConfig((target,), rank=4, alpha=8), num_slots=2)


def test_a_proof_leaves_nothing_behind(serving, tiny):
    model, adapters = serving.attached(adapters=2, slots=1)
    with adapters.bank.lease(["a0"]):
        pass
    counted = adapters.bank.hits, adapters.bank.misses
    slab = adapters.bank.slab
    before = [t.clone() for part in (slab.lora_a, slab.lora_b) for t in part.values()]
    state = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(5)
    random = torch.random.get_rng_state()
    with Engine(model, tiny.tokenizer(), adapters, EngineConfig(**SIZES)) as engine:
        assert torch.equal(torch.random.get_rng_state(), random)
        assert (engine.proof.path, engine.proof.rejected) == ("paged", {})
        assert 0 < engine.proof.deviation < engine.proof.tolerance
        assert adapters.bank.resident == {"a0": 0}
        assert (adapters.bank.hits, adapters.bank.misses) == counted
        assert sum(engine.stats.requests.values()) == engine.stats.prompt_tokens == 0
    after = [t for part in (slab.lora_a, slab.lora_b) for t in part.values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert model.config._attn_implementation == "sdpa"
    assert not adapters.active


@pytest.mark.parametrize("made", [gptj, bloom], ids=["wrong answers", "another's keys"])
def test_pages_that_are_wrong_are_refused_where_they_are_demanded(tiny, made):
    model, target = made()
    before = model.config._attn_implementation
    with pytest.raises(UnsupportedModel, match="paged: its logits differ from the model's own by"):
        Engine(model, tiny.tokenizer(), attach(model, target), EngineConfig(attention="paged"))
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("made", [gptj, bloom], ids=["wrong answers", "another's keys"])
@pytest.mark.parametrize("beside", [None, (10, 40), (200, 230)], ids=["alone", "one", "another"])
def test_they_are_served_as_rows_with_the_models_own_numbers(serving, tiny, made, beside):
    model, target = made()
    adapters = attach(model, target)
    asked = SamplingParams(max_tokens=8, logprobs=0, ignore_eos=True)
    with Engine(model, tiny.tokenizer(), adapters, EngineConfig(cache_tokens=2048)) as engine:
        assert engine.proof.path == "padded"
        assert "differ" in engine.proof.rejected["paged"]
        with serving.held(engine):
            if beside:
                engine.submit(list(range(*beside)), params=asked)
            ticket = engine.submit(MINE, params=asked)
        got = ticket.result()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*MINE, *got.tokens[:-1]]])).logits[0, 9:]
    logs, tokens = logits.log_softmax(-1).max(-1)
    assert list(got.tokens) == tokens.tolist()
    assert [p.logprob for p in got.logprobs] == pytest.approx(logs.tolist(), abs=1e-4)


def mix_up_slots(monkeypatch):
    use = SlotRunner._forward_process_and_sample

    def mixed(self, model, batch_data, *args):
        io = self.inputs_and_outputs
        io.slots[: io.num_q_tokens].copy_(io.slots[: io.num_q_tokens].flip(0))
        use(self, model, batch_data, *args)

    monkeypatch.setattr(SlotRunner, "_forward_process_and_sample", mixed)


def test_an_adapter_of_another_request_is_noticed(serving, tiny, monkeypatch):
    mix_up_slots(monkeypatch)
    model, adapters = serving.attached()
    with pytest.raises(UnsupportedModel, match="differ from the model's own"):
        Engine(model, tiny.tokenizer(), adapters, EngineConfig(**SIZES, attention="paged"))


def encoder_decoder():
    config = tf.T5Config(vocab_size=64, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    return tf.T5ForConditionalGeneration(config).eval(), "q"


def not_causal():
    config = tf.BertConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    return small(tf.BertForMaskedLM, config), "query"


def headless():
    config = tf.LlamaConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    return tf.LlamaModel(config).eval(), "q_proj"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (encoder_decoder, "an encoder with a decoder"),
        (headless, "no language-model head"),
        (not_causal, "so it is not causal"),
    ],
    ids=["T5", "without a head", "BERT"],
)
def test_models_that_are_no_causal_language_models_are_refused(tiny, made, words):
    model, target = made()
    with pytest.raises(UnsupportedModel, match=words):
        Engine(model, tiny.tokenizer(), attach(model, target))


def test_logits_that_are_not_finite_are_refused(serving, tiny):
    model, adapters = serving.attached()
    model.lm_head.weight.data[0, 0] = torch.nan
    with pytest.raises(T2LError, match="logits must be finite"):
        Engine(model, tiny.tokenizer(), adapters)


def test_a_proof_that_does_not_end_raises(serving, tiny, monkeypatch):
    monkeypatch.setattr(proof, "SECONDS", 0.2)
    monkeypatch.setattr(proof.Trial, "between_steps", lambda self, loop: [])
    model, adapters = serving.attached()
    with pytest.raises(EngineError, match="must prove itself within"):
        Engine(model, tiny.tokenizer(), adapters)
    assert model.config._attn_implementation == "sdpa"


def test_requests_end_where_rotary_embeddings_would_change_for_all_rows(tiny):
    factors = {"short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
    rotary = {"rope_type": "longrope", "rope_theta": 1e4, "factor": 4.0} | factors
    config = tf.Phi3Config(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        max_position_embeddings=256,
        original_max_position_embeddings=64,
        rope_parameters=rotary | {"original_max_position_embeddings": 64},
    )
    model = small(tf.Phi3ForCausalLM, config)
    adapters = attach(model, "qkv_proj")
    with Engine(model, tiny.tokenizer(), adapters, EngineConfig(**SIZES)) as engine:
        assert engine.longest == 64
        with pytest.raises(ArgumentError, match="together may have 64 tokens"):
            engine.submit(MINE, params=SamplingParams(max_tokens=60))
