"""Generation of 64 adapters at once, beside one at a time as the published scripts do it."""

import torch

import t2l_fast as t2l
from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import T2LConfig, TextToLora

ADAPTERS, LAYERS, SHAPES = 64, 30, {"q_proj": (576, 576), "v_proj": (576, 192)}


def as_published(model: TextToLora, code: torch.Tensor) -> LoraBatch:
    """One task, a loop over modules, every layer's matrices copied out on their own."""
    config = model.config
    lora_a: dict[str, torch.Tensor] = {}
    lora_b: dict[str, torch.Tensor] = {}
    task = model.task_encoder(code[None]).expand(LAYERS, -1)
    depth = model.layer_depth_encoder(torch.arange(LAYERS))
    for index, (m, (size_in, size_out)) in enumerate(config.module_shapes.items()):
        kind = model.layer_type_encoder(torch.tensor([index])).expand(LAYERS, -1)
        u = model.mlp1(model.mixer(torch.cat((task, depth, kind), dim=-1)))
        rows = model.heads[m](model.mlp3(model.mlp2(u)))
        rank = config.lora.rank
        a, b = rows.split((rank * size_in, rank * size_out), dim=-1)
        layers_a = [x.view(rank, size_in).cpu().clone() for x in a]
        layers_b = [x.view(rank, size_out).cpu().clone() for x in b]
        lora_a[m], lora_b[m] = torch.stack(layers_a)[:, None], torch.stack(layers_b)[:, None]
    return LoraBatch(config.lora, lora_a, lora_b)


@torch.no_grad()
def test_generation_at_once_beside_one_at_a_time(paired):
    lora = t2l.LoraConfig(("q_proj", "v_proj"), rank=8, alpha=16, use_rslora=True)
    model = TextToLora(T2LConfig("L", 128, 512, 384, LAYERS, SHAPES, lora)).eval()
    for head in model.heads.values():
        head.weight.normal_(std=0.02)
    codes = torch.randn(ADAPTERS, 384)
    at_once = model.generate(codes=codes)
    for i in (0, ADAPTERS - 1):
        alone = as_published(model, codes[i])
        for m in SHAPES:
            torch.testing.assert_close(at_once.lora_a[m][:, i], alone.lora_a[m][:, 0])
            torch.testing.assert_close(at_once.lora_b[m][:, i], alone.lora_b[m][:, 0])
    times = paired.milliseconds(
        {
            "at_once": lambda: model.generate(codes=codes),
            "one_by_one": lambda: [as_published(model, code) for code in codes],
        },
        rounds=7,
    )
    faster = times["one_by_one"] / times["at_once"]
    paired.add(
        "generation of adapters at once beside one at a time as published (encoder excluded)",
        f"{ADAPTERS} adapters, L, m 128, h 512, r 8, SmolLM2-135M q and v, {LAYERS} layers",
        "≥ 3× faster per adapter",
        f"{faster:.1f}× ({times['at_once'] / ADAPTERS:.2f} and "
        f"{times['one_by_one'] / ADAPTERS:.2f} ms per adapter)",
        faster=faster,
        **times,
    )
