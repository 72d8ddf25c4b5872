"""Task files: what is read, what is kept apart, and what is refused."""

import json

import pytest

from t2l_fast.errors import ArgumentError, TaskError
from t2l_fast.tasks.folder import read_tasks
from t2l_fast.tasks.task import Example


def content(name="opposites", *, descriptions=6, examples=10, **changes) -> dict:
    return {
        "name": name,
        "source": "written here",
        "licence": "MIT",
        "family": "lexical",
        "descriptions": [f"Say it the other way, {n}." for n in range(descriptions)],
        "examples": [{"input": f"in {n}", "output": f"out {n}"} for n in range(examples)],
    } | changes


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_file_becomes_a_task(tmp_path):
    examples = [
        {"input": "hot", "output": "cold", "answers": ["cold", "icy"]},
        {"input": "été", "output": "hiver"},
    ]
    (task,) = read_tasks(write(tmp_path / "t.json", content(examples=0) | {"examples": examples}))
    assert (task.name, task.family, task.group) == ("opposites", "lexical", None)
    assert task.train == ()
    assert task.validation == (Example("hot", "cold", ("cold", "icy")), Example("été", "hiver"))
    assert task.validation[0].accepts("icy ")


def test_a_folder_is_read_in_the_order_of_file_names(tmp_path):
    write(tmp_path / "b.json", content("second"))
    write(tmp_path / "a.json", content("first"))
    write(tmp_path / "README.md", "no task")
    assert [task.name for task in read_tasks(str(tmp_path))] == ["first", "second"]


@pytest.mark.parametrize(
    ("count", "trained", "evaluated"),
    [(12, range(8), range(8, 12)), (5, range(1), range(1, 5)), (4, range(4), range(4))],
)
def test_the_last_four_descriptions_are_for_evaluation(count, trained, evaluated, tmp_path):
    (task,) = read_tasks(write(tmp_path / "t.json", content(descriptions=count)))
    texts = [f"Say it the other way, {n}." for n in range(count)]
    assert task.descriptions == tuple(texts[n] for n in trained)
    assert task.eval_descriptions == tuple(texts[n] for n in evaluated)


def test_the_train_side_is_seeded_by_name_and_shares_no_input(tmp_path):
    doubled = [{"input": f"in {n % 20}", "output": f"out {n}"} for n in range(40)]
    for name in ("one", "two"):
        write(tmp_path / f"{name}.json", content(name, examples=0) | {"examples": doubled})
    one, two = read_tasks(tmp_path, train_fraction=0.25)
    assert (one, two) == tuple(read_tasks(tmp_path, train_fraction=0.25))
    sides = [{example.input for example in side} for side in (one.train, one.validation)]
    assert not sides[0] & sides[1] and (len(sides[0]), len(sides[1])) == (5, 15)
    assert len(one.train) + len(one.validation) == 40
    assert {example.input for example in two.train} != sides[0]


def test_a_rising_fraction_only_adds_to_the_train_side(tmp_path):
    path = write(tmp_path / "t.json", content())
    less, more = (set(read_tasks(path, train_fraction=f)[0].train) for f in (0.3, 0.6))
    assert less < more


def test_one_input_stays_for_validation(tmp_path):
    path = write(tmp_path / "t.json", content(examples=2))
    (task,) = read_tasks(path, train_fraction=0.99)
    assert len(task.train) == len(task.validation) == 1


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_an_impossible_fraction_is_refused(fraction, tmp_path):
    with pytest.raises(ArgumentError, match="train_fraction must be"):
        read_tasks(write(tmp_path / "t.json", content()), train_fraction=fraction)


@pytest.mark.parametrize("key", ["name", "source", "licence", "family", "descriptions", "examples"])
def test_a_missing_key_is_named(key, tmp_path):
    damaged = content()
    del damaged[key]
    with pytest.raises(TaskError, match=rf"t.json: '{key}' must be present, got only "):
        read_tasks(write(tmp_path / "t.json", damaged))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "'name' must be a non-empty string, got int 3"),
        ({"family": "  "}, "'family' must be a non-empty string, got str"),
        ({"licence": None}, "'licence' must be a non-empty string, got NoneType null"),
        ({"descriptions": "Add."}, "'descriptions' must be a list .* got str"),
        ({"descriptions": []}, "'descriptions' must be a list with at least one item"),
        ({"descriptions": ["Add.", ""]}, r"'descriptions\[1\]' must be a non-empty string"),
        ({"examples": {}}, "'examples' must be a list .* got dict"),
        ({"examples": []}, "'examples' must be a list with at least one item"),
        ({"examples": ["a"]}, r"'examples\[0\]' must be an object .* got str \"a\""),
        ({"examples": [{"input": "a"}]}, r"'examples\[0\].output' must be present, got only input"),
        ({"examples": [{"input": "a", "output": 5}]}, r"'examples\[0\].output' .* got int 5"),
        (
            {"examples": [{"input": "a", "output": "b", "answers": "b"}]},
            r"'examples\[0\].answers' must be a list of strings, got str",
        ),
        (
            {"examples": [{"input": "a", "output": "b", "answers": ["b", 7]}]},
            r"'examples\[0\].answers\[1\]' must be a non-empty string, got int 7",
        ),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(changes, message, tmp_path):
    path = write(tmp_path / "t.json", content() | changes)
    with pytest.raises(TaskError, match=f"t.json: {message}"):
        read_tasks(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "a",', "must be JSON in UTF-8, got .*line 1"),
        ("", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("[]", r"must hold one task as a JSON object, got list \[\]"),
        ("{}", "'name' must be present, got only no keys"),
    ],
    ids=["cut off", "empty", "too deep", "list", "no keys"],
)
def test_a_damaged_file_is_named(text, message, tmp_path):
    with pytest.raises(TaskError, match=rf"t.json:? {message}"):
        read_tasks(write(tmp_path / "t.json", text))


def test_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path):
    (tmp_path / "t.json").write_bytes(json.dumps(content()).encode("utf-16"))
    with pytest.raises(TaskError, match="must be JSON in UTF-8"):
        read_tasks(tmp_path)
    (tmp_path / "t.json").write_bytes(json.dumps(content()).encode("utf-8-sig"))
    assert read_tasks(tmp_path)[0].name == "opposites"


def test_paths_without_tasks_are_refused(tmp_path):
    with pytest.raises(TaskError, match=r"at least one \*.json file, got none"):
        read_tasks(tmp_path)
    with pytest.raises(TaskError, match="missing.json: No such file"):
        read_tasks(tmp_path / "missing.json")


def test_two_tasks_of_one_name_are_refused(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.json", content())
    with pytest.raises(TaskError, match="b.json: 'name' must be unique .* also in .*a.json"):
        read_tasks(tmp_path)
