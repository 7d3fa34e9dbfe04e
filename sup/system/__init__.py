"""What the operating system and Python itself are asked for; standard library only.

Files, signals, processes, memory, the garbage collector.
"""
