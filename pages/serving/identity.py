"""Which process this is, so that a page can tell whether it still talks to the one that made it."""

import secrets

SERVER_ID = secrets.token_hex(8)
# Where the gate says it.
ID_PATH = "/lobass/server"
