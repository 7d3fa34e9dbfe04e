"""`python -m sup`: the command `superposition`, which is `train.py`."""

from sup.cli.train import main

if __name__ == "__main__":
    main()
