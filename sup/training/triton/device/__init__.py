"""What runs on the GPU, in Triton's part of Python, which checkers of types know nothing of."""
