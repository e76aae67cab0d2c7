# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser."""
import pytest
from selenium.webdriver.common.keys import Keys

import states
from conftest import Server

# Every text that is shown, with its colour and the colour behind it, as WCAG counts contrast.
CONTRAST = """
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
function behind(element) {
  for (; element; element = element.parentElement) {
    const colour = numbers(getComputedStyle(element).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
}
const low = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, element = text.parentElement;
  if (!text.data.trim() || !element.checkVisibility() || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) continue;
  const style = getComputedStyle(element), front = light(numbers(style.color)), back = light(behind(element));
  const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  if (ratio < 4.5) low.push(`${text.data.trim()}: ${style.color}, ${ratio.toFixed(2)}`);
}
return low;
"""


def gib(size):
    return f"{int(size / states.GIB * 10) / 10:g}Gi" if size else "0"


def show_waiting(server):
    server.filter("sdxl-turbo-6b8f9d7c6-9k2lm", ["atlas", "borg", "closet"])
    server.filter("gigantic", ["dgx-01", "strix"])


# ---- what is shown ----

def test_every_card_is_there_with_its_load_line(server, browser):
    browser.open(server)
    data = server.data()
    cards = [card for node in data["nodes"]["list"] for card in node["cards"]]
    assert len(cards) == 19
    assert len(browser.texts(".card")) == 19
    shown = browser.js("""return [...document.querySelectorAll('.card')].map((card) => ({
        text: card.innerText, bar: card.querySelector('.bar').getAttribute('aria-label'),
        parts: [...card.querySelectorAll('.bar .part')].map((part) => part.getBoundingClientRect().width),
        line: card.querySelector('.bar .line').getBoundingClientRect().left,
        used: card.querySelector('.bar .used') !== null,
        from: card.querySelector('.bar').getBoundingClientRect().left,
        width: card.querySelector('.bar').getBoundingClientRect().width}))""")
    for card, one in zip(cards, shown):
        assert one["bar"].startswith(f"{gib(card['free'])} free of {gib(card['line'])}, ")
        assert one["used"] == ("used" in card)
        assert abs(sum(one["parts"]) - one["width"]) < 2
        assert abs((one["line"] + 1 - one["from"]) / one["width"] - card["line"] / card["total"]) < 0.01
        if "trouble" in card:
            assert card["trouble"] in one["text"]
        else:
            assert f"{gib(card['free'])} free of {gib(card['line'])}" in " ".join(one["text"].split())
        for pod in card.get("pods", []):
            assert f"{pod['namespace']}/{pod['name']}" in one["text"]


def test_the_cluster_is_summed_up(server, browser):
    browser.open(server)
    sums = server.data()["sums"]
    text = browser.text("#summary")
    assert f"{gib(sums['free'])} free of {gib(sums['line'])}" in text
    assert "19 cards on 8 nodes" in text
    assert "on dgx-01" in text
    assert browser.text(".stat.bad dt") == "Over the line"
    assert browser.text(".stat.bad dd").split() == ["1", "card"]
    assert browser.driver.title == f"5 waiting · {gib(sums['free'])} free · Plimsoll"


def test_waiting_pods_say_why_and_which_node_is_closest(server, browser):
    show_waiting(server)
    browser.open(server)
    waiters = {text.split("\n")[0]: text for text in
               browser.js("return [...document.querySelectorAll('.waiter')].map((e) => e.innerText)")}
    rollout = waiters["image-generation/sdxl-turbo-6b8f9d7c6-9k2lm"]
    assert "22Gi of an NVIDIA card" in rollout
    assert "insufficient free VRAM (want 22Gi)" in rollout
    assert "Closest\nborg" in rollout and "missing" in rollout
    assert "VRAM request larger than any card there can give (want 200Gi)" in waiters["research/gigantic"]
    assert "no NVIDIA card" in waiters["research/gigantic"]
    assert "write for example 12Gi" in waiters["default/typo"]
    assert "VRAM is free on atlas and 4 other nodes." in waiters["ai/fits-somewhere"]
    browser.js("document.querySelector('.waiter summary').click()")
    assert "this rolling update waits for itself" in browser.text(".waiter details")


def test_what_a_person_has_opened_stays_open_when_something_changes(server, browser):
    show_waiting(server)
    browser.open(server)
    browser.js("document.querySelector('.waiter summary').click()")
    server.bind("fits-somewhere", "atlas")
    browser.until("document.querySelectorAll('.waiter').length === 4")
    assert browser.js("return document.querySelector('.waiter details').open")


def test_names_from_the_cluster_are_text(server, browser):
    browser.open(server)
    assert any(states.HOSTILE[:47] in text for text in browser.texts(".card .title"))
    assert browser.js("return document.querySelectorAll('#list img, #list b *, #list script').length") == 0


def test_the_page_asks_nobody_else(server, browser):
    browser.open(server)
    asked = browser.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert asked and set(asked) == {f"http://localhost:{server.port}/page.json"}


def test_the_policy_stops_what_is_not_the_page_s_own(server, browser):
    browser.open(server)
    assert browser.js("""const script = document.createElement('script');
        try { script.textContent = 'window.mine = 1'; document.body.append(script); } catch (error) { return 'refused'; }
        return window.mine || 'not run'""") in ("refused", "not run")
    assert browser.js("return window.mine === undefined")
    assert browser.complaints() != []


# ---- looks ----

@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(server, browser, scheme):
    show_waiting(server)
    browser.look(scheme=scheme)
    browser.open(server)
    ground = browser.js("return getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in ground[4:-1].split(",")) > 384) == (scheme == "light")
    assert browser.js(CONTRAST) == []
    browser.js("document.getElementById('help').showModal()")
    assert browser.js(CONTRAST) == []
    browser.js("document.documentElement.style.setProperty('--soft', '#7f8a9c')")
    assert browser.js(CONTRAST) != [], "the measure sees nothing"


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_cut_off_on_a_narrow_screen(server, browser, width):
    show_waiting(server)
    browser.look(width=width, height=844)
    browser.open(server)
    assert browser.js("return document.documentElement.scrollWidth") <= width
    assert browser.js("""return [...document.querySelectorAll('button, input, select')].filter((one) => one.checkVisibility() &&
        !one.closest('dialog') && one.type !== 'radio').filter((one) => { const box = one.getBoundingClientRect();
        return box.right > innerWidth + 1 || box.height < 24; }).map((one) => one.outerHTML)""") == []


@pytest.mark.parametrize("width", [320, 1280])
def test_names_as_long_as_they_may_be_stay_inside(tmp_path, browser, width):
    name, namespace = ".".join(["n" * 60] * 4), "s" * 63
    server = Server(tmp_path, states.listed([
        states.node(name, [states.card("long", 0, 16 * states.GIB, "P" * 47)], usage=[(0, {1: 1})]),
        states.pod(1, name, "4Gi", on=name, home=namespace), states.pod(2, name, "40Gi", home=namespace)]))
    try:
        browser.look(width=width)
        browser.open(server)
        assert len(browser.texts(".pods li")) == 1 and len(browser.texts(".waiter")) == 1
        assert browser.js("return document.documentElement.scrollWidth") <= width
        assert browser.js("""return [...document.querySelectorAll('.card *, .fold *, .waiter *')].filter((one) =>
            one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).map((one) => one.className)""") == []
    finally:
        server.stop()


# ---- by keyboard ----

def test_the_page_is_walked_with_tab_and_the_focus_shows(server, browser):
    browser.open(server)
    seen = []
    for _ in range(60):
        browser.press(Keys.TAB)
        seen.append(browser.focused())
        if seen[-1] == "strix":
            break
        assert browser.js("""const style = getComputedStyle(document.activeElement.type === 'radio' ?
            document.activeElement.nextSibling : document.activeElement);
            return style.outlineStyle !== 'none' || document.activeElement.className === 'skip'"""), seen[-1]
    assert seen[:3] == ["skip", "pause", "help"]
    for what in ("search", "only", "order", "expand", "atlas", "dgx-01", "strix"):
        assert what in seen
    browser.press(Keys.ENTER)
    assert browser.js("return document.activeElement.getAttribute('aria-expanded')") == "false"


def test_single_keys_do_what_the_help_says(server, browser):
    browser.open(server)
    browser.press("j", "j")
    assert browser.focused() == "borg"
    browser.press("k")
    assert browser.focused() == "atlas"
    browser.press(Keys.ENTER)
    assert browser.js("return document.activeElement.getAttribute('aria-expanded')") == "false"
    browser.press("e")
    assert len(browser.texts(".card")) == 0
    browser.press("e")
    assert len(browser.texts(".card")) == 19
    browser.press("w")
    assert browser.focused() == "waiting"
    browser.press("c")
    assert browser.focused() == "nodes"
    browser.press(".")
    assert browser.text("#live").startswith("paused")
    browser.press(".")
    browser.until("document.getElementById('live-text').textContent === 'live'")
    browser.press("?")
    assert browser.js("return document.getElementById('help').open")
    browser.press(Keys.ESCAPE)
    assert not browser.js("return document.getElementById('help').open")


def test_single_keys_can_be_turned_off(server, browser):
    browser.open(server)
    browser.js("document.getElementById('keys-on').click()")
    browser.press("?", "e")
    assert not browser.js("return document.getElementById('help').open")
    assert len(browser.texts(".card")) == 19
    browser.open(server)
    assert not browser.js("return document.getElementById('keys-on').checked")
    browser.js("document.getElementById('keys-on').click()")


def test_a_search_narrows_nodes_and_waiting_pods_and_escape_ends_it(server, browser):
    browser.open(server)
    browser.press("/")
    assert browser.focused() == "search"
    browser.press(*"whisper")
    browser.until("document.querySelectorAll('.node').length === 1")
    assert browser.text(".node .name") == "dgx-01"
    assert "None of the 5 waiting pods" in browser.text("#waiting")
    browser.press(*"?e/")
    browser.until("document.querySelector('#list .empty') !== null")
    browser.press(Keys.ESCAPE)
    browser.until("document.querySelectorAll('.node').length === 8")


def test_filters_and_order_are_kept_in_the_address(server, browser):
    browser.open(server, "#only=trouble&order=free")
    assert browser.texts(".node .name") == ["sick", "dgx-01", "closet", "mixed-up"] or \
        set(browser.texts(".node .name")) == {"sick", "dgx-01", "closet", "mixed-up"}
    assert browser.texts(".node .name")[0] == "dgx-01"
    browser.js("document.querySelector('.show[data-only=over]').click()")
    browser.until("document.querySelectorAll('.node').length === 1")
    assert browser.text(".node .name") == "borg"
    assert "over the line" in browser.text(".card")
    assert browser.js("return location.hash") == "#only=over&order=free"


def test_the_closest_node_is_one_step_away(server, browser):
    show_waiting(server)
    browser.open(server)
    browser.js("document.querySelector('.closest button').focus()")
    browser.press(Keys.ENTER)
    browser.until("document.querySelectorAll('.node').length === 1")
    assert browser.text(".node .name") == "borg"
    assert browser.focused() == "nodes"
    assert browser.js("return document.getElementById('search').value") == "borg"


# ---- live ----

def test_a_bind_shows_by_itself_and_the_focus_stays(server, browser):
    browser.open(server)
    browser.press("j")
    assert browser.focused() == "atlas"
    before = browser.text(".card .state")
    assert "fits-somewhere" in browser.text("#waiting")
    browser.js("window.stays = document.querySelector('.card')")
    server.bind("fits-somewhere", "atlas")
    browser.until("document.querySelector('.card').innerText.includes('ai/fits-somewhere')")
    assert browser.text(".card .state") != before
    assert "2Gi claimed" in browser.text(".card")
    assert "fits-somewhere" not in browser.text("#waiting")
    assert browser.focused() == "atlas"
    assert browser.js("return window.stays === document.querySelector('.card')")


def test_a_paused_page_waits_until_it_may_go_on(server, browser):
    browser.open(server)
    browser.js("document.getElementById('pause').click()")
    browser.until("document.getElementById('live').dataset.is === 'paused'")
    server.bind("fits-somewhere", "atlas")
    assert "fits-somewhere" in browser.text("#waiting")
    browser.js("document.getElementById('pause').click()")
    browser.until("document.querySelector('.card').innerText.includes('ai/fits-somewhere')")


def test_a_server_that_is_gone_is_said_and_found_again(server, browser):
    browser.open(server)
    server.stop()
    browser.until("document.querySelector('.banner.bad') !== null")
    banner = browser.text(".banner.bad")
    assert banner.startswith("The server does not answer. You see the cluster as it was at ")
    assert " ago." in banner and "Try now" in banner
    assert browser.text("#live") == "no answer"
    assert browser.js("return document.getElementById('banners').getAttribute('role')") == "alert"
    assert len(browser.texts(".card")) == 19
    server.start(server.port)
    browser.js("document.querySelector('.banner button').click()")
    browser.until("document.querySelector('.banner') === null")
    assert browser.text("#live") == "live"
    assert all("ERR_CONNECTION_REFUSED" in line or "Failed to fetch" in line or "ERR_" in line
               for line in browser.complaints())


def test_what_the_server_says_is_passed_on(server, browser):
    browser.open(server)
    browser.js("askAnew({order: 'size'})")
    browser.until("document.querySelector('.banner.bad') !== null")
    assert "The server says: order: \"size\"; right would be name, free or load" in browser.text(".banner.bad")
    browser.js("askAnew({order: 'name'})")
    browser.until("document.querySelector('.banner') === null")
    assert all("400" in line for line in browser.complaints())


def test_a_cluster_without_cards_says_so(tmp_path, browser):
    server = Server(tmp_path, states.listed([]))
    try:
        browser.open(server)
        assert "No node with a GPU is known." in browser.text("#list")
        assert "No pod waits for a card." in browser.text("#waiting")
    finally:
        server.stop()


def test_a_pod_that_waits_without_any_card_is_told_so(tmp_path, browser):
    plain = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "plain"}, "status": {}}
    server = Server(tmp_path, states.listed([plain, states.pod(1, "ollama", "8Gi")]))
    try:
        sums = server.data()["sums"]
        assert (sums["nodes"], sums["gpuNodes"]) == (1, 0)
        browser.open(server)
        assert browser.text("#waiting .why") == "No node with a GPU is known."
        assert "0 cards on 0 nodes, 1 without" in browser.text("#summary")
    finally:
        server.stop()


# ---- 5000 nodes of 8 cards ----

def test_the_largest_cluster_is_a_small_document(large_server, browser):
    browser.open(large_server)
    assert "40,000 cards on 5,000 nodes" in browser.text("#summary")
    assert len(browser.texts(".node")) == 24
    assert len(browser.texts(".column")) == 24 * 8
    assert browser.js("return document.getElementsByTagName('*').length") < 3000
    browser.press("e")
    assert len(browser.texts(".card")) == 24 * 8
    assert browser.js("return document.getElementsByTagName('*').length") < 6000
    assert len(browser.texts(".waiter")) == 20
    assert "1–20 of 60 pods" in browser.text("#waiting")


def test_pages_and_searches_reach_every_node(large_server, browser):
    browser.open(large_server)
    assert browser.texts(".node .name")[0] == "gpu-0000"
    browser.press("n")
    browser.until("document.querySelector('.node .name').textContent === 'gpu-0024'")
    browser.press("p")
    browser.until("document.querySelector('.node .name').textContent === 'gpu-0000'")
    browser.press("/", *"model-4999")
    browser.until("document.querySelectorAll('.node').length === 1")
    assert browser.text(".node .name") == "gpu-4999"
    browser.press(Keys.ESCAPE)
    browser.until("document.querySelectorAll('.node').length === 24")
    browser.open(large_server, "#page=9999")
    assert browser.texts(".node .name")[-1] == "gpu-4999"
