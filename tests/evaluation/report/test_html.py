"""The page of an evaluation: complete in itself, bounded in size, safe with hostile texts, alive in a real browser."""

import re
import shutil
import subprocess

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.report import episodes_view, frontier_view
from rl_router.evaluation.report.write import write_reports
from rl_router.evaluation.suite.evaluate import evaluate_suite

HOSTILE = "</script><script>document.title='taken'</script> <b>what is 2 & 2</b>"


@pytest.fixture
def page(suite_of, table_path):
    """The page of three routers; one question is hostile."""
    text = pl.when(pl.col("query_id") == "test/sum/0").then(pl.lit(HOSTILE)).otherwise(pl.col("query"))
    RoutingTable(pl.read_parquet(table_path).with_columns(query=text)).write(table_path)
    folder = evaluate_suite(suite_of(routers=("svm",)))
    write_reports(folder)
    return folder.report


def test_the_page_fetches_nothing_and_holds_every_part(page):
    text = page.read_text()
    assert not re.search(r'(src|href)="(?!#)', text) and "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    for heading in ("Cost and quality", "Who beats whom", "Quality by task", "Where the traffic goes", "Calibration"):
        assert f"<h2>{heading}</h2>" in text


def test_every_link_of_the_contents_leads_to_a_section_and_no_id_is_there_twice(page):
    text = page.read_text()
    ids = re.findall(r' id="([^"]+)"', text)
    links = re.findall(r'<a href="#([^"]+)"', text)
    assert len(links) == text.count("<h2>") == 9 and set(links) <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_hostile_question_stays_text(page):
    text = page.read_text()
    assert "</script><script>document.title" not in text
    assert "<\\/script><script>document.title" in text  # inside the JSON, where it is a string


def test_the_list_of_episodes_is_bounded_and_says_what_is_left_out(monkeypatch, suite_of):
    folder = evaluate_suite(suite_of())
    monkeypatch.setattr(episodes_view, "MOST_EPISODES", 40)
    view = episodes_view.episodes_view(folder.read_played(), folder.read_queries())
    # settings: random, cheapest, strongest, prompt_length 1 each;
    # best_single, best_per_task, oracle, knn 3 each = 16; 40 // 16 = 2
    assert "32 of 96 episodes: every router and λ on 2 of 6 queries. The other 64 are in lines.jsonl." in view


def dumped(page, width, profile):
    """The page's elements after its script has run in a window of this width. Skips where no browser is installed."""
    browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    if browser is None:
        pytest.skip("no chromium is installed to open the page in")
    done = subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
         f"--window-size={width},900", "--virtual-time-budget=3000", "--dump-dom", f"file://{page}"],
        capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    return done.stdout


@pytest.mark.timeout(180)
def test_a_real_browser_renders_the_list_and_runs_the_page(page, tmp_path):
    dom = dumped(page, 1280, tmp_path / "profile")
    assert "<title>hand · rl-router</title>" in dom  # the hostile question did not run
    listed = dom.split("<div data-episodes")[1].split("</tbody>")[0]
    assert listed.count("<tr") == 1 + 100  # the head, and the first hundred of 114
    assert "first 100 of 114" in listed
    assert listed.count("&lt;b&gt;what is 2 &amp; 2&lt;/b&gt;") > 0
    panels = re.findall(r'<div data-panel="([^"]*)"( hidden="")?', dom)
    assert {(weight, bool(hidden)) for weight, hidden in panels} == {("0", False), ("0.5", True), ("2", True)}


def probed(page, tmp_path, width, script):
    """What the script leaves in the data attributes of the body, as `said`, once the page has loaded."""
    path = tmp_path / "probed.html"
    probe = f"<script>addEventListener('load', () => {{ const said = document.body.dataset; {script} }})</script>"
    path.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    body = re.search("<body([^>]*)>", dumped(path, width, tmp_path / "profile"))[1]
    return dict(re.findall(r'data-(\w+)="([^"]*)"', body))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_as_wide_as_its_window_and_its_legend_hides_and_points_out_routers(page, tmp_path, width):
    script = """
      const groups = [...document.querySelectorAll('[data-router]')];
      const names = wanted => groups.filter(wanted).map(g => g.dataset.router).join();
      said.overflow = document.documentElement.scrollWidth - innerWidth;
      said.before = groups.filter(g => g.style.display === 'none').length;
      document.querySelector('[data-all]').click();
      const box = document.querySelector('fieldset.legend input[value=svm]');
      box.click();
      said.shown = names(g => g.style.display !== 'none');
      box.dispatchEvent(new Event('pointerover', {bubbles: true}));
      said.clear = names(g => !g.classList.contains('faded'));"""
    found = probed(page, tmp_path, width, script)
    assert int(found["overflow"]) <= 0
    assert found["before"] == "0" and found["shown"] == "svm,svm"  # in the drawings for screens and for phones
    assert found["clear"] == "svm,svm"


@pytest.mark.timeout(180)
def test_where_there_are_many_routers_the_best_are_drawn_first_and_the_boxes_show_the_others(
    page, tmp_path, monkeypatch, suite_of
):
    monkeypatch.setattr(frontier_view, "MOST_CURVES", 1)
    dull = {"router": "model:small", "name": "dull"}
    folder = evaluate_suite(suite_of(routers=("svm", dull)))
    aiq = {worth.router: worth.aiq for worth in write_reports(folder).worths}
    assert aiq["svm"] > aiq["dull"]
    script = """
      const hidden = () => [...document.querySelectorAll('[data-router]')].filter(g => g.style.display === 'none');
      said.before = hidden().map(g => g.dataset.router).join();
      document.querySelector('fieldset.legend input[value=dull]').click();
      said.after = hidden().length + ' ' + document.querySelector('[data-all]').checked;"""
    found = probed(folder.report, tmp_path, 1280, script)
    assert found == {"before": "dull,dull", "after": "0 true"}
    assert "The 1 routers of the highest AIQ are shown first, the boxes show 1 more." in folder.report.read_text()


@pytest.mark.timeout(180)
def test_a_click_on_a_heading_sorts_within_the_blocks_of_a_table(page, tmp_path):
    script = """
      const panel = document.querySelector('#every-router-at-every-cost-weight [data-panel="0"]');
      const head = [...panel.querySelectorAll('thead th')].find(th => th.textContent === 'USD / 1k');
      const order = () => [...panel.querySelectorAll('tbody tr')].map(tr => tr.cells[0].textContent).join();
      head.click(); said.dearest = order();
      head.click(); said.cheapest = order();"""
    found = probed(page, tmp_path, 1280, script)
    models = {name: order.split("single models,")[1] for name, order in found.items()}
    assert models == {"dearest": "large,small", "cheapest": "small,large"}
    assert all(order.startswith("routers that decide,svm,reference rows,") for order in found.values())


def test_the_sample_of_questions_is_the_same_each_time():
    ids = [f"q{i}" for i in range(1000)]
    rng = np.random.default_rng(0)
    shuffled = [ids[i] for i in rng.permutation(1000)]
    assert episodes_view._sample(ids, 80) == episodes_view._sample(shuffled, 80)
    assert len(episodes_view._sample(ids, 80)) == 100
