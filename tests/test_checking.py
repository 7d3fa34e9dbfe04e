"""Annotations are checked while testing, with shapes and without."""

from typing import Any

import pytest
import torch
from checking import names_shapes
from jaxtyping import TypeCheckError

from sup.model.closed_form import elementwise_product
from sup.training.compiling import pays


def test_a_shape_that_is_not_the_annotated_one_is_an_error():
    assert names_shapes(elementwise_product)
    with pytest.raises(TypeCheckError, match="inner"):
        elementwise_product(torch.ones(1, 2, 3), torch.ones(1, 4, 2))


def test_a_type_that_is_not_the_annotated_one_is_an_error():
    given: Any = {"steps": "many", "features": 1, "batch": 1, "instances": 1, "activations": 1}
    assert not names_shapes(pays)
    with pytest.raises(TypeError, match="steps"):
        pays(torch.device("cpu"), **given)
