"""What the documents of a master look like: keys and the JSON types of their values, as clients rely on them.

A dictionary lists keys; a list holds the shape of every element; a type stands for itself. `Numbers` is for bags of
resources, `Some` for keys that may be absent. Keys beyond those listed are allowed: clients skip what they do not know.
"""


class Some:
    """A key that may be absent."""

    def __init__(self, shape):
        self.shape = shape


class Numbers:
    """Scalars by name; other kinds of resources are text."""


class Texts:
    """Any keys with text values."""


def differences(shape, value, path="$"):
    """One line for everything in the value that is not as the shape says."""
    if shape is Numbers:
        wrong = {name: amount for name, amount in value.items() if not isinstance(amount, (float, str))}
        lacking = {"cpus", "mem", "disk", "gpus"} - value.keys() if value else set()
        return [f"{path}: not numbers: {wrong}"] * bool(wrong) + [f"{path}: lacks {sorted(lacking)}"] * bool(lacking)
    if shape is Texts:
        return [f"{path}.{key}: {text!r} is no text" for key, text in value.items() if not isinstance(text, str)]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [line for at, each in enumerate(value) for line in differences(shape[0], each, f"{path}[{at}]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        lines = []
        for key, inner in shape.items():
            if key in value:
                inner = inner.shape if isinstance(inner, Some) else inner
                lines += differences(inner, value[key], f"{path}.{key}")
            elif not isinstance(inner, Some):
                lines.append(f"{path}.{key} is missing")
        return lines
    # In Python a bool is an int, on the wire it is not.
    return [] if type(value) is shape else [f"{path}: {value!r} is no {shape.__name__}"]


VERSION = {"version": str, "build_date": str, "build_time": float, "build_user": str, "mini_version": str}

STATUS = {
    "state": str, "timestamp": float,
    "container_status": Some({"container_id": {"value": str}}),
}

TASK = {
    "id": str, "name": str, "framework_id": str, "executor_id": str, "slave_id": str, "state": str,
    "resources": Numbers, "role": str, "statuses": [STATUS],
}

FRAMEWORK = {
    "id": str, "name": str, "used_resources": Numbers, "offered_resources": Numbers, "capabilities": [str],
    "hostname": str, "webui_url": str, "active": bool, "connected": bool, "recovered": bool, "user": str,
    "failover_timeout": float, "checkpoint": bool, "registered_time": float, "unregistered_time": float,
    "resources": Numbers, "role": Some(str), "roles": Some([str]), "tasks": [TASK], "unreachable_tasks": [TASK],
    "completed_tasks": [TASK], "offers": [dict], "executors": [dict], "offer_constraints": dict,
}

AGENT = {
    "id": str, "hostname": str, "port": int, "attributes": dict, "pid": str, "registered_time": float,
    "resources": Numbers, "used_resources": Numbers, "offered_resources": Numbers, "reserved_resources": dict,
    "unreserved_resources": Numbers, "active": bool, "deactivated": bool, "version": str, "capabilities": [str],
}

STATE = {
    **VERSION, "start_time": float, "elected_time": float, "id": str, "pid": str, "hostname": str,
    "capabilities": [str], "activated_slaves": float, "deactivated_slaves": float, "unreachable_slaves": float,
    "leader": str, "leader_info": {"id": str, "pid": str, "port": int, "hostname": str}, "cluster": Some(str),
    "flags": Texts, "slaves": [AGENT], "recovered_slaves": [dict], "frameworks": [FRAMEWORK],
    "completed_frameworks": [FRAMEWORK], "orphan_tasks": [TASK], "unregistered_frameworks": [dict],
}

MASTER_INFO = {
    "id": str, "ip": int, "port": int, "pid": str, "hostname": str, "version": str,
    "address": {"hostname": str, "ip": str, "port": int}, "capabilities": Some([{"type": str}]),
}

SUBSCRIBED = {"framework_id": {"value": str}, "heartbeat_interval_seconds": float, "master_info": MASTER_INFO}

RESOURCE = {
    "name": str, "type": str, "scalar": Some({"value": float}),
    "ranges": Some({"range": [{"begin": int, "end": int}]}), "role": Some(str), "allocation_info": Some({"role": str}),
}

OFFER = {
    "id": {"value": str}, "framework_id": {"value": str}, "agent_id": {"value": str}, "hostname": str,
    "url": {"scheme": str, "address": {"hostname": str, "ip": str, "port": int}, "path": str},
    "resources": [RESOURCE], "attributes": [{"name": str, "type": str}], "allocation_info": Some({"role": str}),
}

# Of an update that an agent sent; one that the master made has neither uuid nor executor.
UPDATE = {
    "task_id": {"value": str}, "state": str, "source": str, "agent_id": {"value": str}, "executor_id": {"value": str},
    "timestamp": float, "uuid": str, "container_status": {"container_id": {"value": str}}, "message": Some(str),
}
MASTERS_UPDATE = {
    "task_id": {"value": str}, "state": str, "source": str, "reason": str, "message": str, "timestamp": float,
}
