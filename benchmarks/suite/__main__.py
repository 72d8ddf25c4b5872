"""Build the suite and write the Parquet file that ships in the package."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.suite.build import build_suite
from t2l_fast.files import replace_files
from t2l_fast.tasks.suite import FILE, Suite

_TEXTS = pa.list_(pa.string())
_SCHEMA = pa.schema(
    {
        "split": pa.string(),
        "name": pa.string(),
        "family": pa.string(),
        "group": pa.string(),
        "descriptions": _TEXTS,
        "eval_descriptions": _TEXTS,
        "inputs": _TEXTS,
        "outputs": _TEXTS,
        "validation": pa.int32(),
    }
)


def table(suite: Suite) -> pa.Table:
    """Return one row per task; its first `validation` examples are those to measure on.

    Raises:
        ValueError: an example has more than an input and an output.
    """
    rows = []
    for split, tasks in suite.splits.items():
        for task in tasks:
            examples = (*task.validation, *task.train)
            if any(e.answers or e.system or e.prefill for e in examples):
                raise ValueError(f"{task.name} must have examples of an input and an output only")
            rows.append(
                {
                    "split": split,
                    "name": task.name,
                    "family": task.family,
                    "group": task.group,
                    "descriptions": task.descriptions,
                    "eval_descriptions": task.eval_descriptions,
                    "inputs": [example.input for example in examples],
                    "outputs": [example.output for example in examples],
                    "validation": len(task.validation),
                }
            )
    return pa.Table.from_pylist(rows, _SCHEMA)


def main() -> None:
    """Build the suite, write its file and print the digest."""
    suite = build_suite()
    buffer = pa.BufferOutputStream()
    pq.write_table(
        table(suite),
        buffer,
        compression="zstd",
        compression_level=19,
        use_dictionary=["inputs.list.element"],  # pyright: ignore[reportArgumentType]  # stub: bool
        dictionary_pagesize_limit=1 << 25,
        data_page_size=1 << 26,
        write_statistics=False,
    )
    replace_files(FILE.parent, {FILE.name: buffer.getvalue().to_pybytes()})
    print(f"{FILE.name}: {len(suite)} tasks, {FILE.stat().st_size} bytes, digest {suite.digest}")


if __name__ == "__main__":
    main()
