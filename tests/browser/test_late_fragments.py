"""What a page still sends after it was left does not blank the page that is there now."""

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.browse_page import open_browse, press, saved, see_into_components  # noqa: F401
from tests.browser.conftest import Server
from tests.browser.line import overhear


def test_a_message_of_the_page_before_leaves_the_page_as_it_is(server: Server, page):
    of_fragments: list[bytes] = []
    repeated: list[bytes] = []

    def heard(asked: BackMsg, send) -> None:
        if asked.rerun_script.fragment_id:
            of_fragments.append(asked.SerializeToString())
        elif of_fragments and not repeated and asked.WhichOneof("type") == "rerun_script":
            # The click on Select, and while that page is being drawn, what Browse has to say about its last row.
            repeated.append(of_fragments[-1])
            send(of_fragments[-1])

    overhear(page, heard)
    open_browse(page, server, "domain=math")
    press(page, "ArrowDown", "d")
    saved(page)
    page.get_by_role("link", name="Select").click()
    page.wait_for_url("**/select?*ratio=*")
    assert repeated
    # Whatever the server made of it has arrived once the answer to a later move has.
    page.locator("[data-slider=ratio]").first.press("ArrowLeft", timeout=15_000)
    page.wait_for_function("() => !location.search.includes('ratio=0.06&')", timeout=15_000)
    assert page.is_visible(".instrument")
