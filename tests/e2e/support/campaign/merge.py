"""Adds histograms up."""
import json
import sys

output, sources = sys.argv[1], sys.argv[2:]
parts = [json.load(open(source)) for source in sources]
json.dump(
    {
        "files": sum(part["files"] for part in parts),
        "events": sum(part["events"] for part in parts),
        "kept": sum(part["kept"] for part in parts),
        "bins": [sum(column) for column in zip(*(part["bins"] for part in parts))],
    },
    open(output, "w"),
)
