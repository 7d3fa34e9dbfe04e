"""The mathematics of one step: activations, the autoencoder, importance, initialisation, inputs."""
