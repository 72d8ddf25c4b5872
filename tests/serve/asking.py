"""What tests of the server ask, and what the engine answers to it."""

import torch

from t2l_fast.serve import SamplingParams

CHAT = (
    "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)
GREEDY = dict(temperature=0, max_tokens=12, extra_body={"ignore_eos": True})


def direct(server, text: str, adapter, count=12, **options) -> str:
    """What the engine answers to a plain prompt."""
    ids = server.engine.tokenizer(text).input_ids
    params = SamplingParams(max_tokens=count, ignore_eos=True, **options)
    return server.engine.submit(ids, adapter=adapter, params=params).result().text


def strong(generator):
    """A generator whose adapters change answers."""
    torch.manual_seed(0)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return generator
