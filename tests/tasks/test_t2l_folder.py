"""Text-to-LoRA's task folders: what is read, what is kept apart, what is left out or refused."""

import logging

import pytest

from t2l_fast.errors import ArgumentError, TaskError
from t2l_fast.tasks import is_t2l_folder, read_t2l_descriptions, read_t2l_folder
from t2l_fast.tasks import published as lists


def read(folders, **options):
    return read_t2l_folder(folders.tasks, data_root=folders.data, **options)


def inputs(examples) -> set[str]:
    return {example.input for example in examples}


@pytest.fixture
def three(folders):
    """Two trained tasks and one that is held out."""
    for name, word in (("lol_742", "poki"), ("lol_9", "casino"), ("lol_039", "qasc")):
        folders.sni(name, word)
    return folders


def test_a_folder_becomes_a_task(three):
    found = read(three)
    assert {part: [task.name for task in group] for part, group in found.items()} == {
        "train": ["lol_742", "lol_9"],
        "held_out": ["lol_039"],
    }
    task = found["train"][0]
    assert task.family == "poki"
    told = "Do task742_poki_generation"
    assert task.descriptions == tuple(f"{told}, {n}." for n in range(8))
    assert task.eval_descriptions == tuple(f"{told}, {n}." for n in range(8, 12))
    example = next(e for e in (*task.train, *task.validation) if e.output == "7")
    definition = "Say poki. Please complete the task without any explanation."
    assert (example.input, example.answers) == (f"{definition}\n\npoki 7", ())
    assert (example.system, example.prefill) == ("", "")


def test_a_trained_task_keeps_inputs_for_validation_and_others_keep_all(three):
    found = read(three)
    for task in found["train"]:
        assert (len(task.train), len(task.validation)) == (18, 2)
        assert not inputs(task.train) & inputs(task.validation)
    (held,) = found["held_out"]
    assert (len(held.train), len(held.validation)) == (0, 20)
    half = read(three, train_fraction=0.5, parts=["train"])["train"][0]
    assert (len(half.train), len(half.validation)) == (10, 10)


def test_reading_again_gives_the_same(three):
    assert read(three) == read(three)


def test_a_higher_limit_only_adds(three):
    def chosen(limit):
        (task, _) = read(three, parts=["train"], max_examples=limit)["train"]
        return inputs((*task.train, *task.validation))

    few, more = chosen(5), chosen(12)
    assert (len(few), len(more)) == (5, 12) and few < more
    assert len(chosen(500)) == 20


def test_what_was_published_is_kept_apart(folders):
    """479 of 500 Super-NaturalInstructions are trained on, and no benchmark."""
    apart = {*lists.CONTAMINATED, *lists.HELD_OUT, *lists.BENCHMARKS, *lists.UNUSED}
    assert [len(x) for x in (lists.CONTAMINATED, lists.HELD_OUT, lists.SEEN, lists.BENCHMARKS)] == [
        10,
        11,
        10,
        10,
    ]
    assert len(apart) == 32
    assert all(lists.is_trained(name) for name in (*lists.SEEN, "lol_022", "my own"))
    folders.sni("lol_380", "boolq")
    folders.sni("lol_742", "poki")
    folders.sni("lol_022", "cosmosqa")
    assert [task.name for task in read(folders)["train"]] == ["lol_022", "lol_742"]
    assert [task.name for task in read(folders, parts=["seen"])["seen"]] == ["lol_742"]
    with pytest.raises(TaskError, match="must hold task folders of the part 'held_out', got none"):
        read(folders, parts=["train", "held_out"])


TEMPLATES = {
    "arc_easy": (
        "allenai/ai2_arc",
        "{question} {choices[label][3]}={choices[text][3]}",
        "answerKey",
        {"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]}},
        {"answerKey": "B"},
        ("q D=N/A", "B"),
    ),
    "arc_challenge": (
        "allenai/ai2_arc",
        "{question} {choices[label][3]}={choices[text][3]}",
        "answerKey",
        {"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]}},
        {"answerKey": "2"},
        ("q 4=N/A", "2"),
    ),
    "mbpp": (
        "google-research-datasets/mbpp",
        "{prompt}\n{assertions}",
        "code",
        {"prompt": "p", "test_list": ["assert a", "assert b"]},
        {"code": "f()"},
        ("p\nassert a\nassert b", "f()"),
    ),
    "boolq": (
        "google/boolq",
        "{passage} {question}?",
        "answer",
        {"passage": "p {0}", "question": "q"},
        {"answer": True},
        ("p {0} q?", "true"),
    ),
    "piqa": ("ybisk/piqa", "{goal}", "label", {"goal": "g"}, {"label": 0}, ("g", "0")),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_benchmarks_fill_their_templates(name, folders):
    path, template, field, asked, answer, expected = TEMPLATES[name]
    folders.task(name, path, user_prompt_template=template, response_field=field)
    folders.rows(path, [asked | answer])
    (task,) = read(folders, parts=["benchmarks"])["benchmarks"]
    (example,) = task.validation
    assert (example.input, example.output) == expected
    assert task.family == name


def test_system_message_prefill_and_postfill_are_templates_too(folders):
    fields = {"user_prompt_template": "{q}", "response_field": "a"}
    folders.task(
        "mine",
        "me/mine",
        **fields,
        system_message="You know {q}.",
        assistant_prefill="```\n",
        assistant_postfill="\n```",
    )
    folders.rows("me/mine", [{"q": "x", "a": "1"}, {"q": "y", "a": "2"}])
    (task,) = read(folders)["train"]
    example = next(e for e in (*task.train, *task.validation) if e.input == "x")
    assert (example.system, example.prefill, example.output) == ("You know x.", "```\n", "1\n```")


@pytest.mark.parametrize(
    "form", ["jsonl folder", "jsonl file", "parquet", "saved", "saved parts", "named", "short name"]
)
def test_local_data_may_have_any_form(form, folders, sni):
    import datasets

    path, split = "Lots-of-LoRAs/task9_casino_x", "train[:50%]"
    folders.task("lol_9", path, ds_kwargs={"path": path, "name": "default", "split": split})
    rows = datasets.Dataset.from_list(sni.rows("casino"))
    target = folders.data / path
    target.parent.mkdir()
    if form == "jsonl folder":
        folders.rows(path, rows.to_list())
        folders.rows(path, sni.rows("other"), split="valid")
    elif form == "jsonl file":
        rows.to_json(f"{target}.jsonl")
    elif form == "parquet":
        rows.to_parquet(target / "data" / "train-00000-of-00001.parquet")
    elif form == "saved":
        rows.save_to_disk(target)
    elif form == "saved parts":
        datasets.DatasetDict(train=rows, valid=rows.select([0])).save_to_disk(target)
    elif form == "named":
        folders.rows(f"{path}/default", rows.to_list())
    else:
        folders.rows("task9_casino_x", rows.to_list())
    (task,) = read(folders)["train"]
    outputs = {example.output for example in (*task.train, *task.validation)}
    assert outputs == {f"{n}" for n in range(10)}


def test_without_a_root_datasets_is_given_what_the_folder_says(folders, sni):
    """A data set's path may be a local folder: the same call as for a name on the hub."""
    file = folders.rows("anywhere/task9_casino_x", sni.rows("casino"))
    source = {"path": str(file.parent), "split": "train[:6]", "trust_remote_code": True}
    folders.task("lol_9", "unused", ds_kwargs=source)
    (task,) = read_t2l_folder(folders.tasks)["train"]
    assert len(task.train) + len(task.validation) == 6


def test_an_unreachable_data_set_is_left_out_and_named(three, caplog):
    three.task("lol_5", "Lots-of-LoRAs/task5_gone_x")
    with caplog.at_level(logging.WARNING, "t2l_fast.tasks"):
        found = read(three, missing=0.25)
    assert [task.name for task in found["train"]] == ["lol_742", "lol_9"]
    named, counted = (record.getMessage() for record in caplog.records)
    assert "lol_5" in named and "task5_gone_x" in named
    assert counted == "1 of 4 tasks were left out"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"input": "no definition", "output": ["x"]}', "must hold 'Definition: '"),
        ('{"question": "x"}', "must have a text 'input'"),
        ("not json", "can't be loaded"),
        ("", "can't be loaded"),
    ],
    ids=["other text", "other fields", "damaged", "empty"],
)
def test_a_data_set_of_another_form_is_left_out(text, reason, three, caplog):
    three.sni("lol_5", "bad").write_text(text)
    with caplog.at_level(logging.WARNING, "t2l_fast.tasks"):
        found = read(three, missing=0.5)
    assert "lol_5" not in {task.name for task in found["train"]}
    assert reason in caplog.text


def test_too_many_missing_end_it(three):
    three.task("lol_5", "Lots-of-LoRAs/task5_gone_x")
    with pytest.raises(TaskError, match=r"at least 1 of 4 .*lol_5: .* check --data-root"):
        read(three, missing=0.2)


def test_offline_without_a_cache_says_what_to_do(three):
    with pytest.raises(TaskError, match="run it once where the hub can be reached, .*--data-root"):
        read_t2l_folder(three.tasks)


def test_a_part_of_which_nothing_is_left_ends_it(three):
    (three.data / "Lots-of-LoRAs/task039_qasc_generation/train.jsonl").unlink()
    with pytest.raises(TaskError, match="none of the data sets of the part 'held_out'"):
        read(three, missing=0.5)


def test_rows_with_an_empty_side_are_left_out_and_counted(folders, sni, caplog):
    empty = [{"input": sni.text("Say.", f"e {n}"), "output": [" "], "id": "e"} for n in range(3)]
    path = folders.sni("lol_9", "casino").parent.relative_to(folders.data)
    folders.rows(path, [*sni.rows("casino"), *empty])
    with caplog.at_level(logging.WARNING, "t2l_fast.tasks"):
        (task,) = read(folders)["train"]
    assert len(task.train) + len(task.validation) == 20
    assert "lol_9: 3 of 23 rows have an empty side" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"descriptions": []}, "'descriptions' must be a list of non-empty strings"),
        ({"descriptions": ["a", " "]}, "'descriptions' must be a list of non-empty strings"),
        ({"ds_kwargs": "gsm8k"}, "'ds_kwargs' must be a mapping .* got 'gsm8k'"),
        ({"ds_kwargs": {"path": "x"}}, "'ds_kwargs' must be a mapping with 'path' and 'split'"),
        ({"user_prompt_template": None}, "'user_prompt_template' must be a non-empty string"),
        ({"response_field": 3}, "'response_field' must be a non-empty string, got 3"),
        ({"system_message": ["x"]}, "'system_message' must be a string"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_damaged_metadata_is_named_before_any_data_is_read(changes, message, three):
    three.task("lol_5", "Lots-of-LoRAs/task5_x_y", **changes)
    seen = []
    with pytest.raises(TaskError, match=rf"lol_5/metadata.yaml: {message}"):
        read(three, on_task=lambda *count: seen.append(count))
    assert seen == []


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "", "\tx: 1"])
def test_metadata_that_is_no_mapping_is_refused(text, three):
    folder = three.task("lol_5", "x/y")
    (folder / "metadata.yaml").write_text(text)
    with pytest.raises(TaskError, match="lol_5/metadata.yaml must"):
        read(three)


def test_a_template_that_names_another_field_is_explained(folders):
    folders.task("mine", "me/mine", user_prompt_template="{asked}", response_field="a")
    folders.rows("me/mine", [{"q": "x", "a": "1"}])
    with pytest.raises(TaskError, match=r"mine/metadata.yaml, got fields \['a', 'q'\]: KeyError"):
        read(folders)


def test_progress_counts_data_sets(three):
    seen = []
    read(three, on_task=lambda *count: seen.append(count))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    "options",
    [{"parts": ["test"]}, {"parts": []}, {"train_fraction": 1.0}, {"max_examples": 0}],
    ids=str,
)
def test_impossible_arguments_are_refused(options, three):
    with pytest.raises(ArgumentError, match=f"{next(iter(options))} must be"):
        read(three, **options)


def test_descriptions_need_no_data(three):
    (three.data / "Lots-of-LoRAs/task9_casino_generation/train.jsonl").unlink()
    found = read_t2l_descriptions(three.tasks)
    assert [*found] == ["lol_039", "lol_742", "lol_9"]
    assert len(found["lol_9"]) == 8


def test_only_folders_with_metadata_are_recognised(three, tmp_path):
    assert is_t2l_folder(three.tasks)
    assert not is_t2l_folder(three.data)
    assert not is_t2l_folder(three.tasks / "lol_9")
    assert not is_t2l_folder(tmp_path / "nowhere")
