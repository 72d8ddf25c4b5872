"""Sites: which linears are picked, how they are keyed, and what is refused."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.errors import SiteNotFound, UnsupportedModel


def test_keys_are_the_shortest_unique_suffixes(lora):
    gpt2 = t2l.find_sites(lora.build("gpt2"), ("c_attn", "c_proj"))
    assert set(gpt2) == {"c_attn", "attn.c_proj", "mlp.c_proj"}
    t5 = t2l.find_sites(lora.build("t5"), ["q"])
    assert set(t5) == {
        "encoder.block.layer.0.SelfAttention.q",
        "decoder.block.layer.0.SelfAttention.q",
        "EncDecAttention.q",
    }
    assert [site.path for site in t5["EncDecAttention.q"]] == [
        f"decoder.block.{i}.layer.1.EncDecAttention.q" for i in range(2)
    ]


def test_all_linear_leaves_the_output_head_alone(llama):
    sites = t2l.find_sites(llama, "all-linear")
    assert len(sites) == 7 and "lm_head" not in sites


def test_a_missing_target_lists_near_names(llama):
    with pytest.raises(SiteNotFound, match="did you mean q_proj"):
        t2l.find_sites(llama, ["q_project"])


def test_a_module_that_is_no_linear_is_refused(llama):
    with pytest.raises(UnsupportedModel, match=r"self_attn \(LlamaAttention\).*q_proj"):
        t2l.find_sites(llama, ["self_attn"])


def test_one_name_to_exclude_may_be_a_string(llama):
    assert set(t2l.find_sites(llama, ["q_proj", "v_proj"], exclude="q_proj")) == {"v_proj"}


@pytest.mark.parametrize("target", ["gate_up_proj", "experts"])
def test_moe_experts_are_refused(target):
    options = dict(vocab_size=61, hidden_size=32, intermediate_size=16, num_hidden_layers=1)
    options |= dict(num_attention_heads=2, num_key_value_heads=2, num_local_experts=2)
    model = tf.MixtralForCausalLM(tf.MixtralConfig(**options))
    with pytest.raises((UnsupportedModel, SiteNotFound), match="MoE experts"):
        t2l.find_sites(model, [target])


def test_tensor_parallel_linears_are_refused(llama):
    from torch.distributed.tensor import DTensor, Replicate
    from torch.distributed.tensor._dtensor_spec import DTensorSpec, TensorMeta
    from torch.testing._internal.distributed.fake_pg import FakeStore

    torch.distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (2,))
        linear = llama.model.layers[0].self_attn.q_proj
        data = linear.weight.data
        meta = TensorMeta(data.shape, data.stride(), data.dtype)
        spec = DTensorSpec(mesh, (Replicate(),), meta)
        linear.weight = torch.nn.Parameter(DTensor(data, spec, requires_grad=False), False)
        with pytest.raises(UnsupportedModel, match="tensor-parallel"):
            t2l.find_sites(llama, ["q_proj"])
    finally:
        torch.distributed.destroy_process_group()
