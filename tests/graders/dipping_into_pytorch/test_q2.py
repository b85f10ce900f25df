"""q2: two scalars that may change, and a latent value computed from them (not typed in)."""

import pytest
from submission import check, facts, is_a, my_latent_value, var_1, var_2

pytestmark = pytest.mark.question("q2")

VAR_1 = 3.0
VAR_2 = 4.0


def leaf(handle, name, number):
    """`handle` is a scalar tensor of that value which SGD may change."""
    advice = f"Make it with torch.tensor({number}, requires_grad=True)."
    found = facts(handle)
    check(found is not None or not is_a(handle, "ellipsis"), f"`{name}` is still to be filled in.", advice)
    check(found is not None, f"`{name}` is not a tensor.", advice)
    check(found.value.numel() == 1, f"`{name}` holds {found.value.numel()} numbers instead of one.", advice)
    check(abs(complex(found.value.item()) - number) < 1e-6, f"`{name}` does not hold {number}.", advice)
    check(found.requires_grad, f"`{name}` does not say that it may change (requires_grad).", advice)


def test_var_1():
    """var_1 is a 3 that may change"""
    leaf(var_1, "var_1", VAR_1)


def test_var_2():
    """var_2 is a 4 that may change"""
    leaf(var_2, "var_2", VAR_2)


@pytest.mark.weight(2)
def test_latent_value_is_connected_to_both():
    """my_latent_value is their product, connected to both"""
    advice = "Compute it from var_1 and var_2, so that PyTorch remembers how it came about."
    found = facts(my_latent_value, gradients=("var_1", "var_2"))
    missing = found is None and is_a(my_latent_value, "ellipsis")
    check(not missing, "`my_latent_value` is still to be filled in.", advice)
    check(found is not None, "`my_latent_value` is not a tensor.", advice)
    check(
        found.value.numel() == 1 and abs(complex(found.value.item()) - VAR_1 * VAR_2) < 1e-5,
        "`my_latent_value` is not 3 times 4.",
        advice,
    )
    for name, expected in (("var_1", VAR_2), ("var_2", VAR_1)):
        gradient = found.gradients.get(name)
        connected = (
            name in found.connected if gradient is None else abs(complex(gradient.sum().item()) - expected) < 1e-4
        )
        check(
            connected,
            f"`my_latent_value` has the right value, but is not the product of `{name}` and the other: "
            "no gradient of that kind leads back.",
            advice,
        )


def public_connected(var_1, var_2, my_latent_value):
    """Both tensors hold their numbers and may change, and my_latent_value is computed from them."""
    import torch

    for name, tensor in (("var_1", var_1), ("var_2", var_2), ("my_latent_value", my_latent_value)):
        assert isinstance(tensor, torch.Tensor), f"{name} is not a tensor yet"
        count = tensor.numel()
        assert count == 1, f"{name} has the shape {tuple(tensor.shape)}, so {count} numbers; a scalar is asked for"
    again = "(if you have trained it since: run the cells of question 2 again, then this check)"
    for name, tensor, number in (("var_1", var_1, VAR_1), ("var_2", var_2, VAR_2)):
        assert tensor.requires_grad, f"{name} cannot change: where is requires_grad?"
        assert abs(complex(tensor.item()) - number) < 1e-6, f"{name} holds {tensor.item():.4g}, not {number} {again}"
    assert my_latent_value.grad_fn is not None, "my_latent_value does not remember where it comes from: compute it"
    found = my_latent_value.item()
    assert abs(complex(found) - VAR_1 * VAR_2) < 1e-5, f"my_latent_value is {found:.4g}, not {VAR_1} times {VAR_2}"
    try:
        marks = torch.autograd.grad(
            my_latent_value.sum(), (var_1, var_2), retain_graph=True, allow_unused=True, materialize_grads=True
        )
    except RuntimeError:  # a Backprop of the student's has used up what it remembers
        raise AssertionError(f"my_latent_value has been through Backprop, so it cannot be followed {again}") from None
    for name, mark, number in (("var_1", marks[0], VAR_2), ("var_2", marks[1], VAR_1)):
        good = abs(complex(mark.sum().item()) - number) < 1e-4
        assert good, f"my_latent_value has the right number, but is not the product of {name} and the other"
