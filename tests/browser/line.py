"""The connection of a page, which a test can hold up."""

import re
from collections.abc import Callable

from streamlit.proto.BackMsg_pb2 import BackMsg


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


def overhear(page, heard: Callable[[BackMsg, Callable[[bytes], None]], None]) -> None:
    """Call `heard` with each message of the page once the server has it, and with what sends the server another."""

    def through(socket) -> None:
        send = socket.connect_to_server().send

        def hand_on(message) -> None:
            send(message)
            asked = BackMsg()
            asked.ParseFromString(message)
            heard(asked, send)

        socket.on_message(hand_on)

    page.route_web_socket("**/_stcore/stream", through)
