"""`lobass diagnose`: a table a domain, a sentence each, and what a selection keeps by length."""


def test_the_findings_for_people_and_for_scripts(lobass, selected):
    ran = lobass("diagnose", "--project", selected.root, "--selection", "all", "--json")
    assert ran.exit_code == 0
    (chat,) = ran.json["lengths"]
    # Every response has ten tokens: there is nothing to correlate.
    assert chat["domain"] == "chat" and chat["n_rows"] == 6 and chat["score_response"] is None
    assert ran.json["kept"] == [1.0] * 6 and ran.json["sentences"][0].startswith("chat: too few")
    shown = lobass("diagnose", "--project", selected.root)
    assert "Published for gemma-2b" in shown.out and "passes over the pool" in shown.out
    assert lobass("diagnose", "--project", selected.root, "--selection", "none").exit_code == 2
