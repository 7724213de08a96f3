"""The README's session, run as a reader would paste it."""

import doctest
import gc
import json

import pytest

from devstack.packages import PROJECT
from devstack.stack import CACHED, Stack


# A reader closes no client.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_the_session_prints_what_the_readme_says(tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(PROJECT / "samples")
    monkeypatch.chdir(tmp_path)
    fenced = (PROJECT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    session = doctest.DocTestParser().get_doctest(fenced, {}, "README", "README.md", 0)
    assert len(session.examples) > 10

    # A stack of its own: its people have never signed up before.
    with Stack(without=CACHED) as stack:
        (tmp_path / "stack.json").write_text(json.dumps(stack.addresses))
        report: list[str] = []
        outcome = doctest.DocTestRunner().run(session, out=report.append)
        gc.collect()

    assert outcome.failed == 0, "".join(report)
