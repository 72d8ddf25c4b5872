"""lm-evaluation-harness against the server: `local-completions` gives what its own `hf` gives."""

import json

import pytest

from t2l_fast.serve.config import Limits

ROWS = [
    {"question": "ab", "choices": ["c", "de", "f0"], "answer": 0},
    {"question": "b c", "choices": ["1", "22", "x y"], "answer": 2},
    {"question": "hello", "choices": ["a", "b", "c d e"], "answer": 1},
    {"question": "0 1", "choices": ["2", "3 4", "a"], "answer": 0},
]
CHOICE = {
    "task": "tiny_choice",
    "output_type": "multiple_choice",
    "doc_to_text": "Q: {{question}} A:",
    "doc_to_target": "{{answer}}",
    "doc_to_choice": "{{choices}}",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
TEXT = {
    "task": "tiny_text",
    "output_type": "generate_until",
    "doc_to_text": "Q: {{question}} A:",
    "doc_to_target": "{{choices[0]}}",
    "generation_kwargs": {"until": ["\n", "Q"], "max_gen_toks": 8, "do_sample": False},
    "metric_list": [{"metric": "exact_match"}],
}
PERPLEXITY = {
    "task": "tiny_words",
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "{{question}} {{choices[1]}}",
    "metric_list": [{"metric": "word_perplexity"}],
}


@pytest.fixture(scope="module")
def shared(served_to_all):
    return served_to_all(adapters=2, limits=Limits(prompts=32))


def tasks(folder):
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    files = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
    }
    return [{**files, **task} for task in (CHOICE, TEXT, PERPLEXITY)]


def samples(found, task):
    rows = sorted(found["samples"][task], key=lambda row: row["doc_id"])
    return [row["filtered_resps"] for row in rows]


@pytest.mark.nightly
@pytest.mark.parametrize("batch", [1, 3], ids=lambda b: f"batch {b}")
@pytest.mark.parametrize("model", ["tiny", "a0"])
def test_the_harness_scores_the_server_as_itself(shared, tmp_path, monkeypatch, model, batch):
    lm_eval = pytest.importorskip("lm_eval", reason='needs lm_eval: pip install "lm_eval[api]"')
    from lm_eval.models.huggingface import HFLM

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    shared.engine.tokenizer.save_pretrained(tmp_path / "tokenizer")
    arguments = {
        "model": model,
        "base_url": f"{shared.url}/v1/completions",
        "tokenizer": str(tmp_path / "tokenizer"),
        "tokenizer_backend": "huggingface",
        "num_concurrent": 2,
        "max_length": 200,
        "add_bos_token": True,  # as its hf does
    }
    options = dict(tasks=tasks(tmp_path), bootstrap_iters=0, log_samples=True)
    got = lm_eval.simple_evaluate(
        "local-completions",
        model_args=",".join(f"{k}={v}" for k, v in arguments.items()),
        batch_size=batch,
        **options,
    )
    engine = shared.engine

    def alone():
        before = engine.model.config._attn_implementation
        engine.model.set_attn_implementation("eager")
        own = HFLM(engine.model, tokenizer=engine.tokenizer, batch_size=1, max_length=200)
        adapter = None if model == "tiny" else model
        try:
            with engine.bank.lease([adapter]) as lease, engine.adapters.use(lease):
                return lm_eval.simple_evaluate(own, **options)
        finally:
            engine.model.set_attn_implementation(before)

    want = engine.run(alone).result()
    for task in ("tiny_choice", "tiny_words"):
        for ours, theirs in zip(samples(got, task), samples(want, task), strict=True):
            ours, theirs = (
                [float(p[0] if isinstance(p, tuple | list) else p) for p in row]
                for row in (ours, theirs)
            )
            assert ours == pytest.approx(theirs, abs=1e-3)
    assert samples(got, "tiny_text") == samples(want, "tiny_text")
    for task, metric in (("tiny_choice", "acc,none"), ("tiny_text", "exact_match,none")):
        assert got["results"][task][metric] == want["results"][task][metric]


def test_the_harness_own_requests(shared):
    """What lm_eval 0.4.13 sends and reads, for score and for text, without the package."""
    ids = [shared.engine.tokenizer(text).input_ids for text in ("ab c", "hello you", "x")]
    body = {"model": "a0", "prompt": ids, "temperature": 0, "max_tokens": 1}
    body |= {"logprobs": 1, "seed": 1234, "echo": True}
    got = shared.http().post("/v1/completions", json=body).json()
    for choice, prompt in zip(got["choices"], ids, strict=True):
        found = choice["logprobs"]
        assert len(found["token_logprobs"]) == len(prompt) + 1
        scored = zip(found["token_logprobs"][1:-1], found["top_logprobs"][1:-1], strict=True)
        assert all(own <= max(top.values()) for own, top in scored)
    body = {"model": "a0", "prompt": ["ab c"], "max_tokens": 8, "temperature": 0}
    body |= {"stop": ["\n", "Q", "<eos>"], "seed": 1234}
    assert shared.http().post("/v1/completions", json=body).json()["choices"][0]["index"] == 0
