"""Reads raw events, keeps those that pass the cuts, and makes a histogram of their masses."""
import json
import sys
import time

source, output = sys.argv[1], sys.argv[2]
time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
bins, events, kept = [0] * 50, 0, 0
with open(source) as lines:
    for line in lines:
        if line.startswith("#"):
            continue
        _name, mass, pt, _phi = line.split()
        events += 1
        if float(pt) < 0.5:
            continue
        kept += 1
        place = int((float(mass) - 1.5) / 0.1)
        if 0 <= place < len(bins):
            bins[place] += 1
if events == 0:
    sys.exit(f"{source} holds no events")
json.dump({"files": 1, "events": events, "kept": kept, "bins": bins}, open(output, "w"))
