"""A fragment of the page before never decides which page runs."""

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages.serving import late_fragments


@pytest.fixture(autouse=True)
def adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set to what they are, so that they are that again after the test.
    monkeypatch.setattr(ScriptRunner, "_run_script", ScriptRunner._run_script)
    monkeypatch.setattr(ScriptRequests, "_request_rerun_locked", ScriptRequests._request_rerun_locked)
    late_fragments.adopt()


def test_a_click_that_waits_keeps_its_page_and_its_address():
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="select", query_string="ratio=0.06"))
    requests.request_rerun(RerunData(page_script_hash="browse", query_string="domain=math", fragment_id="list"))
    run = requests.on_scriptrunner_ready().rerun_data
    assert (run.page_script_hash, run.query_string, run.fragment_id_queue) == ("select", "ratio=0.06", [])


def test_two_fragments_and_a_second_click_go_by_what_came_last():
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="browse", fragment_id="list"))
    requests.request_rerun(RerunData(page_script_hash="browse", query_string="q=a", fragment_id="bar"))
    run = requests.on_scriptrunner_ready().rerun_data
    assert (run.fragment_id_queue, run.query_string) == (["list", "bar"], "q=a")
    requests.request_rerun(RerunData(page_script_hash="browse", fragment_id="list"))
    requests.request_rerun(RerunData(page_script_hash="select"))
    assert requests.on_scriptrunner_ready().rerun_data.page_script_hash == "select"


def test_a_fragment_of_the_page_that_waits_brings_its_newer_address():
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="browse", query_string="q=a"))
    requests.request_rerun(RerunData(page_script_hash="browse", query_string="q=ab", fragment_id="list"))
    assert requests.on_scriptrunner_ready().rerun_data.query_string == "q=ab"
