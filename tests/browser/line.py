"""The connection of a page, which a test can hold up."""

import re


class Line:
    """The page's websocket, on which the server's words can be held back until the page opens another."""

    def __init__(self, page) -> None:
        self.is_held = False
        self._waiting: list[tuple] = []
        page.route_web_socket(re.compile("_stcore/stream"), self._connect)

    def _connect(self, socket) -> None:
        self.is_held = False
        socket.connect_to_server().on_message(lambda message: self._hear(socket, message))

    def _hear(self, socket, message) -> None:
        if self.is_held:
            self._waiting.append((socket, message))
        else:
            socket.send(message)

    def let_go(self) -> None:
        """Pass on all that was held back, and hold no more."""
        self.is_held = False
        for socket, message in self._waiting:
            socket.send(message)
        self._waiting.clear()
