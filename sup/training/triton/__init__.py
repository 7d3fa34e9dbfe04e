"""The engine of NVIDIA's GPUs: whole optimizer steps of many models in kernels written in Triton.

The same arithmetic as the native engine's, on the same words. May import what `sup.training` may;
Triton itself comes with torch where there is a GPU, and is imported by nothing else.
"""
