"""What schemathesis cannot know: which things exist on this server."""

import json
import os
from collections import Counter
from pathlib import Path

import schemathesis

# {"/api/tunnels/{id}": {"id": ["…"]}, …}: names of things that exist, by path.
THINGS = json.loads(os.environ["PORTLAMA_API_THINGS"])
TALLY = Path(os.environ["PORTLAMA_API_TALLY"])

# The server's limit on all requests of one identity, as its header says it.
REQUESTS_PER_MINUTE = "600"

calls = Counter()
answers = Counter()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every second request names something that exists; the others keep what was made up."""
    path = case.operation.path
    turn = calls[case.operation.label]
    calls[case.operation.label] += 1
    things = THINGS.get(path, {})
    if things and turn % 2 == 0 and isinstance(case.path_parameters, dict):
        for name, real in things.items():
            case.path_parameters[name] = real[(turn // 2) % len(real)]
    # The certificate of the run must live as long as the run.
    if path == "/api/certs/mtls/rotate" and isinstance(case.body, dict):
        case.body.pop("revokeNow", None)


@schemathesis.hook
def after_call(context, case, response):
    # Codes and tokens have limits of their own, which are to be met; this one is not.
    limit = response.headers.get("x-ratelimit-limit", [""])[0]
    limited = response.status_code == 429 and limit == REQUESTS_PER_MINUTE
    answers["limited" if limited else str(response.status_code)] += 1
    TALLY.write_text(json.dumps(answers))
