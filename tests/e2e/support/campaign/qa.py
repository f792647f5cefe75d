"""Is the resonance where it should be? Fails where it is not."""
import json
import sys

merged = json.load(open(sys.argv[1]))
peak = max(range(len(merged["bins"])), key=lambda place: merged["bins"][place] if 8 <= place <= 24 else -1)
mass = 1.5 + 0.1 * (peak + 0.5)
verdict = {**merged, "peak": mass, "efficiency": merged["kept"] / merged["events"]}
json.dump(verdict, open(sys.argv[2], "w"))
print(f"peak at {mass:.2f} GeV, efficiency {verdict['efficiency']:.3f}")
if abs(mass - 3.1) > 0.15:
    sys.exit("the resonance is not where it should be")
