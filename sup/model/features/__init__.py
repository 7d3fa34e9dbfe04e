"""Which features are present together, each way in a file of its own.

The simplest distribution is a function that returns the probability that each feature is zero,
independently of the others (`sup.model.inputs.independent`). All others are a `Presence`.
"""
