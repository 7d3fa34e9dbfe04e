"""Pure functions of weights and results: metrics, theory, phases, published curves."""
