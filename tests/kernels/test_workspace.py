"""The workspace: reused memory that never grows, or goes, under a captured graph."""

from contextlib import nullcontext

import pytest
import torch

from t2l_kernels import Workspace, WorkspaceError
from t2l_kernels._core import workspace

CPU = torch.device("cpu")


def take(space: Workspace, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return space.take(shape, dtype, CPU)


@pytest.fixture
def capturing(monkeypatch):
    state = {"now": False}
    monkeypatch.setattr(workspace, "capturing", lambda device: state["now"])
    return state


def test_equal_and_smaller_requests_share_one_buffer():
    space = Workspace()
    first = take(space, 2, 3, 4)
    assert first.shape == (2, 3, 4) and first.dtype == torch.float32 and first.is_contiguous()
    for shape, dtype in (((24,), torch.float32), ((5,), torch.float32), ((7, 2), torch.float16)):
        assert take(space, *shape, dtype=dtype).data_ptr() == first.data_ptr()
    assert space.nbytes == 96


def test_a_larger_request_replaces_the_buffer():
    space = Workspace()
    take(space, 4)
    assert take(space, 100).shape == (100,) and space.nbytes == 400


def test_it_refuses_to_grow_while_a_graph_is_captured(capturing):
    space = Workspace()
    held = take(space, 4)
    capturing["now"] = True
    assert take(space, 4).data_ptr() == held.data_ptr()
    with pytest.raises(WorkspaceError, match="must hold 20 bytes before .* captured, got 16"):
        take(space, 5)
    assert isinstance(WorkspaceError(""), RuntimeError)


def test_memory_of_a_captured_graph_outlives_growth(capturing):
    space = Workspace()
    take(space, 4)
    capturing["now"] = True
    take(space, 4)
    capturing["now"] = False
    take(space, 8)
    assert space.nbytes == 16 + 32, "a replay would write to freed memory"


def test_a_capture_is_seen_on_a_gpu(monkeypatch):
    """Without a GPU: the name that torch gives the question, asked of the device's own stream."""
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext(asked.append(device)))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    assert workspace.capturing(torch.device("cuda", 1)) and asked == [torch.device("cuda", 1)]
    assert not workspace.capturing(CPU)
