"""The engine: a queue, the loop over transformers' continuous batching, sampling and text."""

from t2l_fast.serve.engine.supported import check_transformers

# before any module imports what older releases lack
check_transformers()
