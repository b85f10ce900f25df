"""q1: four tensors of given shapes and values; any number type that holds the values is right."""

import pytest
import torch
from submission import check, facts, is_a, matrix_tensor, pairwise_sum, scalar_tensor, vector_tensor

pytestmark = pytest.mark.question("q1")

SCALAR = 2.2
VECTOR = [1.0, 3.0, 4.0]
MATRIX = [[3.0, 1.0, 4.0], [1.0, 7.0, 4.0]]
ADDED = [[0.0, 2.0, 1.0], [3.0, 3.0, 4.0]]
SUM = (torch.tensor(MATRIX) + torch.tensor(ADDED)).tolist()
LISTS = {0: "a single number", 1: "a list of numbers", 2: "rows of numbers"}


def look(handle, name, expected, advice):
    """`handle` is a tensor of the shape and values of `expected`, to the precision of its type."""
    found = facts(handle)
    check(found is not None or not is_a(handle, "ellipsis"), f"`{name}` is still to be filled in.", advice)
    check(found is not None, f"`{name}` is not a tensor.", advice)
    wanted = torch.tensor(expected, dtype=torch.float64)
    shape = tuple(found.value.shape)
    check(
        shape == tuple(wanted.shape),
        f"`{name}` has the shape {shape}; {LISTS[wanted.dim()]} is asked for, with another shape.",
        advice,
    )
    value = found.value
    check(value.dtype != torch.bool, f"`{name}` holds truth values instead of numbers.", advice)
    precision = 1e-3 if value.dtype in (torch.float16, torch.bfloat16) else 1e-6
    whole = value.to(torch.complex128)  # of a complex number double() would keep the real part alone
    near = torch.allclose(whole, wanted.to(torch.complex128), rtol=10 * precision, atol=precision)
    check(near, f"`{name}` has the right shape, but not the values that the question asks for.", advice)


def test_scalar():
    """scalar_tensor holds one number"""
    look(scalar_tensor, "scalar_tensor", SCALAR, "Give torch.tensor the bare number 2.2.")


def test_vector():
    """vector_tensor holds a list"""
    look(vector_tensor, "vector_tensor", VECTOR, "Give torch.tensor the list from the question.")


def test_matrix():
    """matrix_tensor holds two rows of three"""
    look(matrix_tensor, "matrix_tensor", MATRIX, "Give torch.tensor a list of two lists, one for each row.")


def test_pairwise_sum():
    """pairwise_sum adds two matrices entry by entry"""
    look(pairwise_sum, "pairwise_sum", SUM, "Add the second matrix to matrix_tensor with `+`.")


def public_tensors(scalar_tensor, vector_tensor, matrix_tensor, pairwise_sum):
    """All four tensors hold what the question asks for."""
    import torch

    given = {"scalar_tensor": scalar_tensor, "vector_tensor": vector_tensor, "matrix_tensor": matrix_tensor}
    for name, tensor in {**given, "pairwise_sum": pairwise_sum}.items():
        assert isinstance(tensor, torch.Tensor), f"{name} is not a tensor yet: make it with torch.tensor"
    wanted = {"scalar_tensor": SCALAR, "vector_tensor": VECTOR, "matrix_tensor": MATRIX}
    for name, numbers in [*wanted.items(), ("pairwise_sum", None)]:
        found = pairwise_sum if numbers is None else given[name]
        asked = torch.tensor(ADDED if numbers is None else numbers, dtype=torch.complex128)
        shape = tuple(found.shape)
        assert shape == tuple(asked.shape), f"{name} has the shape {shape}; {tuple(asked.shape)} is asked for"
        assert found.dtype != torch.bool, f"{name} holds truth values instead of numbers"
        if numbers is None:
            asked = asked + torch.tensor(MATRIX)
        near = 1e-2 if found.dtype in (torch.float16, torch.bfloat16) else 1e-5
        right = torch.allclose(found.detach().to(torch.complex128), asked, rtol=near, atol=near / 10)
        what = "matrix_tensor plus the second matrix" if numbers is None else f"what is asked for, {numbers}"
        assert right, f"{name} has the right shape, but {found.detach().tolist()} is not {what}"
