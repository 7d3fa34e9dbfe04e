"""Whether a W&B server takes runs: asked once, before any is sent there. Standard library only."""

import base64
import json
import threading
import urllib.error
import urllib.request
from typing import Any

PATIENCE = 3.0
"""Seconds for an answer: a command that waits for W&B trains nothing meanwhile."""

QUESTION = json.dumps({"query": "query Viewer { viewer { id } }"}).encode()


def refusal(url: str, key: str | None) -> str | None:
    """Return why a server would take no runs; None where nothing speaks against it.

    Args:
        url: of the server.
        key: to log in with; None: how to log in is not known here, and not tried.
    """
    answer: list[str | None] = []
    # In a thread, as neither a name server nor one byte a second is bounded by a socket's timeout.
    asking = threading.Thread(target=lambda: answer.append(_ask(url, key)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answer[0] if answer else f"{url} does not answer within {PATIENCE:.0f} seconds"


def _ask(url: str, key: str | None) -> str | None:
    headers = {"Content-Type": "application/json", "User-Agent": "superposition"}
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}/graphql", QUESTION, headers)
        if key is not None:  # for this server, and for none that it may send us on to
            login = base64.b64encode(f"api:{key}".encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=2 * PATIENCE) as response:
            held: Any = json.loads(response.read())
    except urllib.error.HTTPError as error:
        if error.code == 401 and key is not None:
            return f"{url} refuses the API key"
        return f"{url} answers with status {error.code}" if error.code >= 500 else None
    except urllib.error.URLError as error:
        return None if "SSL" in type(error.reason).__name__ else f"{url}: {error.reason}"
    except Exception as error:  # a reset, half an answer, no JSON, no address
        return f"{url}: {type(error).__name__}"
    data = held.get("data") if isinstance(held, dict) else None
    if key is not None and isinstance(data, dict) and data.get("viewer", 0) is None:
        return f"{url} refuses the API key"
    return None
