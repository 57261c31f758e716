"""An id of this process, so that a page can tell whether it still talks to the same one."""

import secrets

SERVER_ID = secrets.token_hex(8)
# Where the gate says it.
ID_PATH = "/lobass/server"
