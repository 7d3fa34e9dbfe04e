"""Kernels are tested where there is a C++ compiler."""

import pytest

from sup.training.native.compiler import NoKernelError, compiler


@pytest.fixture(autouse=True)
def _with_a_compiler() -> None:
    try:
        compiler()
    except NoKernelError:
        pytest.skip("no C++ compiler here")
