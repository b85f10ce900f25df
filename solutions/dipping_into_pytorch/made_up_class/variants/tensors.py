"""Answers to q1 (first tensors) and q2 (a latent value): right ones and typical mistakes.

Called by `variants`. Rubric for q1: four tensors, 0.5 each, by shape and values in any number type that holds them.
Rubric for q2: each variable 0.5 (value and requires_grad), the latent value 1 (12, and connected to both).
"""

from __future__ import annotations

from .model import Variant, right, wrong

Q1: tuple[Variant, ...] = (
    right(
        "q1",
        "q1-plain",
        "Four calls of torch.tensor, and a sum.",
        "scalar_tensor = torch.tensor(2.2)\nscalar_tensor",
        "vector_tensor = torch.tensor([1, 3, 4])\nvector_tensor",
        "matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])\nmatrix_tensor.shape",
        "pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])\npairwise_sum",
    ),
    right(
        "q1",
        "q1-float-tensor",
        "The older torch.FloatTensor, so everything is float32.",
        """
scalar_tensor = torch.FloatTensor([2.2]).squeeze()
vector_tensor = torch.FloatTensor([1, 3, 4])
matrix_tensor = torch.FloatTensor([[3, 1, 4], [1, 7, 4]])
pairwise_sum = torch.add(matrix_tensor, torch.FloatTensor([[0, 2, 1], [3, 3, 4]]))
print(scalar_tensor, vector_tensor, matrix_tensor, pairwise_sum, sep="\\n")
""",
    ),
    right(
        "q1",
        "q1-dtypes",
        "Every tensor has a number type of its own.",
        """
scalar_tensor = torch.tensor(2.2, dtype=torch.float64)
vector_tensor = torch.tensor([1, 3, 4], dtype=torch.int16)
""",
        """
matrix_tensor = torch.tensor([[3, 1, 4],
                              [1, 7, 4]], dtype=torch.float32)
other = torch.tensor([[0, 2, 1],
                      [3, 3, 4]], dtype=torch.float32)
pairwise_sum = matrix_tensor + other
print(pairwise_sum.dtype)
pairwise_sum
""",
    ),
    right(
        "q1",
        "q1-numpy",
        "The tensors come from numpy arrays.",
        """
import numpy as np

scalar_tensor = torch.tensor(np.float64(2.2))
vector_tensor = torch.from_numpy(np.array([1, 3, 4]))
matrix_tensor = torch.from_numpy(np.array([3, 1, 4, 1, 7, 4]).reshape(2, 3))
""",
        "pairwise_sum = matrix_tensor + torch.from_numpy(np.array([[0, 2, 1], [3, 3, 4]]))\ndisplay(pairwise_sum)",
    ),
    right(
        "q1",
        "q1-scratch-first",
        "Tries the names with other values first and corrects them in a later cell.",
        "scalar_tensor = torch.tensor(5)\nvector_tensor = torch.tensor([2.2, 5.1])",
        """
# ok now with the numbers from the text
scalar_tensor = torch.tensor(2.2)
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.stack([torch.tensor([3, 1, 4]), torch.tensor([1, 7, 4])])
pairwise_sum = matrix_tensor.clone()
pairwise_sum += torch.tensor([[0, 2, 1], [3, 3, 4]])
""",
    ),
    wrong(
        "q1",
        "q1-whole-number",
        1.5,
        "An integer type cuts 2.2 down to 2.",
        """
scalar_tensor = torch.tensor(2.2, dtype=torch.int64)
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])
pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])
scalar_tensor, vector_tensor
""",
    ),
    wrong(
        "q1",
        "q1-nested-vector",
        1.5,
        "One pair of brackets too many: the vector is a matrix with one row.",
        "scalar_tensor = torch.tensor(2.2)\nvector_tensor = torch.tensor([[1, 3, 4]])",
        "matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])",
        "pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])",
    ),
    wrong(
        "q1",
        "q1-flat-matrix",
        1.0,
        "The matrix is a flat list of six numbers, and so is its sum.",
        """
scalar_tensor = torch.tensor(2.2)
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.tensor([3, 1, 4, 1, 7, 4])
pairwise_sum = matrix_tensor + torch.tensor([0, 2, 1, 3, 3, 4])
""",
    ),
    wrong(
        "q1",
        "q1-joined-not-added",
        1.5,
        "Adds Python lists, which puts the rows of one below those of the other.",
        "scalar_tensor = torch.tensor(2.2)\nvector_tensor = torch.tensor([1, 3, 4])",
        """
first = [[3, 1, 4], [1, 7, 4]]
second = [[0, 2, 1], [3, 3, 4]]
matrix_tensor = torch.tensor(first)
pairwise_sum = torch.tensor(first + second)
pairwise_sum
""",
    ),
    wrong(
        "q1",
        "q1-misspelt",
        1.5,
        "A slip in a name: `scaler_tensor`.",
        """
scaler_tensor = torch.tensor(2.2)
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])
pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])
""",
    ),
)

Q2: tuple[Variant, ...] = (
    right(
        "q2",
        "q2-plain",
        "Two variables that want gradients, and their product.",
        "var_1 = torch.tensor(3.0, requires_grad=True)\nvar_2 = torch.tensor(4.0, requires_grad=True)\nvar_1, var_2",
        "my_latent_value = var_1 * var_2\nmy_latent_value",
    ),
    right(
        "q2",
        "q2-parameters",
        "nn.Parameter wants gradients by itself.",
        """
var_1 = nn.Parameter(torch.tensor(3.0))
var_2 = nn.Parameter(torch.tensor(4.0))
my_latent_value = torch.mul(var_1, var_2)
print("latent:", my_latent_value.item())
""",
    ),
    right(
        "q2",
        "q2-switched-on-later",
        "requires_grad_() afterwards, in double precision.",
        """
var_1 = torch.tensor(3.0, dtype=torch.double)
var_2 = torch.tensor(4.0, dtype=torch.double)
for v in (var_1, var_2):
    v.requires_grad_()
my_latent_value = var_1 * var_2
assert my_latent_value.grad_fn is not None
""",
    ),
    right(
        "q2",
        "q2-then-trained",
        "Trains the two variables afterwards, which changes them; the moment before was right.",
        "var_1 = torch.tensor(3.0, requires_grad=True)\nvar_2 = torch.tensor(4.0, requires_grad=True)",
        "my_latent_value = var_1 * var_2",
        """
_sgd = SGD([var_1, var_2], lr=3e-3)
_loss = (15 - my_latent_value) ** 2
_loss.backward()
_sgd.step()
_sgd.zero_grad()
var_1, var_2
""",
    ),
    wrong(
        "q2",
        "q2-typed-in",
        1.0,
        "The 12 is typed in, so nothing connects it to the two variables.",
        "var_1 = torch.tensor(3.0, requires_grad=True)\nvar_2 = torch.tensor(4.0, requires_grad=True)",
        "my_latent_value = torch.tensor(12.0, requires_grad=True)",
    ),
    wrong(
        "q2",
        "q2-no-gradients",
        0.0,
        "Neither variable wants gradients, so the product is connected to nothing.",
        "var_1 = torch.tensor(3.0)\nvar_2 = torch.tensor(4.0)\nmy_latent_value = var_1 * var_2\nmy_latent_value",
    ),
    wrong(
        "q2",
        "q2-whole-number",
        0.5,
        "An integer tensor cannot want gradients: that cell raises, and the product's cell after it.",
        "var_1 = torch.tensor(3.0, requires_grad=True)",
        "var_2 = torch.tensor(4, requires_grad=True)",
        "my_latent_value = var_1 * var_2",
    ),
    wrong(
        "q2",
        "q2-sum",
        1.0,
        "Adds the two variables instead of multiplying them.",
        """
var_1 = torch.tensor(3.0, requires_grad=True)
var_2 = torch.tensor(4.0, requires_grad=True)
my_latent_value = var_1 + var_2
my_latent_value
""",
    ),
    wrong(
        "q2",
        "q2-detached",
        1.0,
        "detach() cuts the product off from the variables.",
        "var_1 = torch.tensor(3.0, requires_grad=True)\nvar_2 = torch.tensor(4.0, requires_grad=True)",
        "my_latent_value = (var_1 * var_2).detach()\nprint(my_latent_value)",
    ),
)
