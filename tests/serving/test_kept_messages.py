"""The browser is never told to look for a message that it may have let go of."""

from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import forward_msg_cache


def test_no_message_is_kept_by_the_browser(monkeypatch):
    """Kept for two runs and asked for later, it is an error over the whole page of a slow browser."""
    monkeypatch.setattr(config, "_config_options", None)
    message = ForwardMsg()
    message.delta.new_element.markdown.body = "x" * 10_000_000
    forward_msg_cache.populate_hash_if_needed(message)
    assert not message.metadata.cacheable
