"""A small generator: pairs of muons from a resonance over a falling background. The same seed makes the same events."""
import math
import random
import sys
import time

seed, events, output = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0
dice = random.Random(seed)
with open(output, "w") as out:
    out.write(f"# seed {seed} events {events}\n")
    for number in range(events):
        mass = dice.gauss(3.097, 0.07) if dice.random() < 0.3 else 1.5 + dice.expovariate(0.8)
        pt = dice.expovariate(0.5)
        phi = dice.uniform(-math.pi, math.pi)
        out.write(f"{seed}.{number} {mass:.5f} {pt:.5f} {phi:.5f}\n")
time.sleep(pause)
