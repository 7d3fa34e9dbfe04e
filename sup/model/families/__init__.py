"""Activations beside the article's, by mechanism: what they may be and do, `sup.model.activations`.

Each has a parameter that is an axis, where the literature names one. A number is the parameter of
all instances, a tensor ``[instance, 1, 1]`` has that of each.
"""
