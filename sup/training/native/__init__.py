"""The native engine: whole steps of many models in C++, compiled for their size and activation.

`step.cpp` takes the steps; `small.h` and `large.h` are its two forms, `batch.h` its inputs and
costs, `lanes.h` its arithmetic, `philox.h` its random numbers. `source` says what is compiled,
`compiler` compiles it once for a machine, `call` is what Python tells it, `steps` uses it.
"""
