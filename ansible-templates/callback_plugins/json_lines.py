"""One JSON object a line for every result, for the plugin to read. Arguments and file contents are never printed."""
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: json_lines
    type: stdout
    short_description: results as JSON lines
    description: Prints host, task, status, changes and message of each result.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "json_lines"

    def _say(self, status, result):
        r = result._result
        text = [r.get("msg"), r.get("stderr"), r.get("module_stderr"), r.get("reason")]
        print(json.dumps({
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "status": status,
            "changed": bool(r.get("changed")),
            "changes": r.get("changes", []),
            "message": "\n".join(str(t) for t in text if t)[-4000:] if status in ("failed", "unreachable") else "",
        }), flush=True)

    def v2_runner_on_ok(self, result, **kwargs):
        self._say("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False, **kwargs):
        self._say("failed", result)

    def v2_runner_on_unreachable(self, result, **kwargs):
        self._say("unreachable", result)
