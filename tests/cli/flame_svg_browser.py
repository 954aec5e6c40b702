#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens flame graphs in Chromium: clicks, searches, prints, and measures what is drawn.

What must be seen is worked out here from the file's XML alone. It prints TAP.
Needs Debian's packages chromium, chromium-driver and python3-selenium.

usage: flame_svg_browser.py [--make PROGRAM] [SVG...]

With --make, PROGRAM (make_flame_svg) draws graphs whose numbers are known here.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

SVG = "{http://www.w3.org/2000/svg}"
WINDOW = (1300, 1000)
LEAST_WINDOW = 640
PX = 0.05  # what a browser may round
CONTRAST = 4.5

PLAIN = """\
COLO_[g];qemu`main_loop;qemu`work;libc`memcpy_[l] 300
COLO_[g];qemu`main_loop;qemu`work;libc`memcpy_[l];kernel`page_fault_[k] 50
COLO_[g];qemu`main_loop;qemu`work;qemu`work;qemu`small_[i] 100
COLO_[g];qemu`main_loop;qemu`idle;""" + 8 * "a_name_that_fits_nowhere_" + """ 200
RAM_[g];qemu`save;qemu`work 250
RAM_[g];qemu`save;[anon]`0x1234_[u] 80
RAM_[g];qemu`save;qemu`narrow;qemu`in_it 15
RAM_[g];qemu`save;qemu`narrow 5
"""
CHANGE = """\
run;send;copy 500 250
run;send;lock 100 100
run;wait 150 300
run;send;compress 0 100
run;send;compress;deflate 0 150
run;old_path;helper 0 100
run;new_path 250 0
"""
# Of 200 ms, 150 vanished: that is the wider strip.
WIDE = """\
run;still_there;leaf 30 30
run;other 20 20
run;gone;gone_too 0 150
"""
GONE = """\
run;a 0 10
run;b;c 0 20
"""
# Longer than a tooltip: only its ends and the whole tell it from its neighbour.
LONG = f"f<{'a' * 400},first,{'b' * 400}> 10\nf<{'a' * 400},second,{'b' * 400}> 30\n"
HOSTILE = """\
a<b>;"quotes" & 'more';</title></svg><script>document.title = "bad"</script> 60
a<b>;]]> ${1} \\ .* ( 40
"""

results = []


def check(name, ok, detail=""):
    """Notes one test; detail says what was found."""
    ok = bool(ok)
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}{': ' if detail else ''}{detail}",
          flush=True)


# ---- the file ----

class Box:
    """A frame as the file has it, with its place in the tree."""

    def __init__(self, index, rect):
        self.index = index
        self.lines = rect.find(SVG + "title").text.split("\n")
        self.name = self.lines[0]
        self.kind = rect.get("class")
        self.x, self.y, self.width = (float(rect.get(key)) for key in ("x", "y", "width"))
        self.caller, self.callees = None, []

    @property
    def module(self):
        return self.lines[1][1:].partition(")")[0] if self.lines[1].startswith("(") else ""

    @property
    def samples(self):
        amounts = [re.match(r"(?:now: )?(\d+) sample", line) for line in self.lines[1:]]
        return next(int(amount[1]) for amount in amounts if amount)

    def callers(self):
        return [self.caller, *self.caller.callers()] if self.caller else []

    def above(self):
        """Itself and all that stands on it."""
        found, pending = [], [self]
        while pending:
            found.append(pending.pop())
            pending += found[-1].callees
        return found


def read_strip(group):
    boxes, callers = [], []
    for index, rect in enumerate(group.findall(SVG + "rect")):
        box = Box(index, rect)
        while callers and callers[-1].y <= box.y:
            callers.pop()
        if callers:
            box.caller = callers[-1]
            box.caller.callees.append(box)
        callers.append(box)
        boxes.append(box)
    return boxes


class Graph:
    """What stands in one SVG."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        self.text = self.path.read_text(encoding="utf-8")
        root = xml.etree.ElementTree.fromstring(self.text)
        groups = [group for group in root.findall(SVG + "g")
                  if "strip" in group.get("class").split()]
        self.strips = [read_strip(group) for group in groups]
        self.headings = [text.text for text in root.findall(SVG + "text")
                         if text.get("class") == "heading"]
        self.left, self.width = (float(root.get("data-" + key)) for key in ("left", "width"))

    @property
    def now(self):
        return self.strips[0]


# ---- the browser ----

def new_driver(service):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--force-device-scale-factor=1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(service=service, options=options)


MEASURE = """
return [...document.querySelectorAll('.strip')].map(strip =>
    [...strip.querySelectorAll('rect')].map(rect => {
        const next = rect.nextElementSibling;
        const text = next && next.localName === 'text' && next.textContent ? next : null;
        const isShown = element => getComputedStyle(element).display !== 'none';
        const box = rect.getBBox(), textBox = text && text.getBBox();
        return {
            shown: isShown(rect), x: box.x, y: box.y, width: box.width,
            text: text && isShown(text) ? text.textContent : '',
            textLeft: text ? textBox.x : null, textRight: text ? textBox.x + textBox.width : null,
            match: rect.classList.contains('match'), faded: rect.classList.contains('faded'),
            fill: getComputedStyle(rect).fill, tooltip: rect.querySelector('title').textContent,
        };
    }));
"""


class Page:
    """A graph that is open in the browser."""

    def __init__(self, driver, graph):
        self.driver, self.graph = driver, graph
        driver.set_window_size(*WINDOW)
        driver.get(graph.path.as_uri())

    def measure(self):
        return self.driver.execute_script(MEASURE)

    def rect(self, box, strip=0):
        group = self.driver.find_elements(By.CSS_SELECTOR, ".strip")[strip]
        return group.find_elements(By.TAG_NAME, "rect")[box.index]

    def point_at(self, box, strip=0):
        """At its left end, where the name stands; moves the mouse there."""
        rect = self.rect(box, strip)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", rect)
        width = rect.rect["width"]
        ActionChains(self.driver).move_to_element_with_offset(
            rect, int(min(10, width / 2) - width / 2), 0).perform()

    def click(self, box, strip=0):
        self.point_at(box, strip)
        ActionChains(self.driver).click().perform()

    def text(self, selector):
        return self.driver.execute_script(
            "return document.querySelector(arguments[0]).textContent", selector)

    def matched(self):
        return self.driver.execute_script(
            "return [...document.querySelectorAll('.matched')].map(line => line.textContent)")

    def is_displayed(self, selector):
        return self.driver.execute_script(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return box.width > 0 && box.height > 0", selector)

    def press(self, keys):
        ActionChains(self.driver).send_keys(keys).perform()

    def press_control(self, key):
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(key).key_up(
            Keys.CONTROL).perform()

    def search(self, pattern):
        """Types it where Ctrl-F leads, over what was there."""
        self.press_control("f")
        self.press_control("a")
        self.press(pattern or Keys.DELETE)

    def escape(self):
        self.press(Keys.ESCAPE)

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE"]

    def requests(self):
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.driver.get_log("performance")]
        return {message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"}


def near(one, other):
    return math.isclose(one, other, abs_tol=PX)


# ---- what is there at first ----

def check_file(graph):
    rest = re.sub(r'\sxmlns="http://www\.w3\.org/(2000/svg|1999/xhtml)"', "", graph.text)
    rest = re.sub(r"<title>[^<]*</title>|<text[^<]*</text>", "", rest)
    check("the file names no other", "://" not in rest and "href" not in rest
          and "@import" not in rest and "url(" not in rest)


def is_as_in_file(graph, measured):
    return all(len(boxes) == len(found) and all(
        drawn["shown"] and not drawn["faded"] and not drawn["match"]
        and near(drawn["x"], box.x) and near(drawn["width"], box.width)
        and drawn["tooltip"] == "\n".join(box.lines)
        for box, drawn in zip(boxes, found)) for boxes, found in zip(graph.strips, measured))


def misfits(measured):
    """Texts that the browser draws wider than their boxes, or that are no beginning of a name."""
    return [drawn["text"] for strip in measured for drawn in strip if drawn["text"] and not (
        drawn["textLeft"] >= drawn["x"]
        and drawn["textRight"] <= drawn["x"] + drawn["width"] + PX
        and len(drawn["text"]) >= min(3, len(drawn["tooltip"].partition("\n")[0]))
        and drawn["tooltip"].startswith(drawn["text"].removesuffix("..")))]


def missing_texts(measured):
    """Wide boxes without one."""
    return [drawn["tooltip"] for strip in measured for drawn in strip
            if drawn["shown"] and drawn["width"] > 40 and not drawn["text"]
            and not drawn["tooltip"].startswith("\n")]


def check_opened(page):
    graph, measured = page.graph, page.measure()
    check("nothing but the file is asked for", page.requests() == {graph.path.as_uri()})
    check("all frames are drawn where the file has them", is_as_in_file(graph, measured),
          f"{sum(map(len, measured))} frames")
    check("callees stand inside their callers", all(
        box.x >= box.caller.x - 1e-6
        and box.x + box.width <= box.caller.x + box.caller.width + 1e-6 and box.y < box.caller.y
        for strip in graph.strips for box in strip if box.caller))
    check("names stand inside their frames", not misfits(measured) and not missing_texts(measured),
          f"{(misfits(measured) + missing_texts(measured))[:3]}")


def luminance(colour):
    """Relative, of "rgb(1, 2, 3)", as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def check_contrast(page):
    """Of all rules, whether a frame of that colour is there or not."""
    fills = page.driver.execute_script("""
        const fills = {}, text = document.createElementNS(document.documentElement.namespaceURI,
                                                          'text');
        document.documentElement.append(text);
        fills.text = getComputedStyle(text).fill;
        text.remove();
        for (const rule of document.querySelector('style').sheet.cssRules)
            if (/^\\.([a-z]\\d|strip \\.match)$/.test(rule.selectorText))
                fills[rule.selectorText] = rule.style.fill;
        return fills;
    """)
    text = fills.pop("text")
    least = min(fills, key=lambda name: contrast(fills[name], text))
    check(f"the contrast of the text is {CONTRAST} or more",
          len(fills) > 10 and contrast(fills[least], text) >= CONTRAST,
          f"least with {least}: {contrast(fills[least], text):.1f}")
    kinds = collections.defaultdict(set)
    for name, fill in fills.items():
        kinds[fill].add(name[1])
    check("no two kinds share a colour", all(len(names) == 1 for names in kinds.values()))


# ---- zoom ----

def zoomable(graph, strip):
    """Frames that a mouse can hit, with callees and with others beside them."""
    root_width = max((box.width for box in graph.strips[strip]), default=0)
    return [box for box in graph.strips[strip]
            if box.callees and 5 < box.width < 0.99 * root_width]


def best_zoomable(graph, strip):
    """A wide one, with more than the root below it if there is one; None: there is none."""
    return max(zoomable(graph, strip), key=lambda box: (len(box.callers()) > 1, box.width),
               default=None)


def zoom_faults(graph, box, strip, measured):
    """Frames that are not where they must be when `box` fills the width."""
    scale = graph.width / box.width
    above = {other.index for other in box.above()}
    below = {other.index for other in box.callers()}
    faults = []
    for other, drawn in zip(graph.strips[strip], measured[strip]):
        if other.index in above:
            ok = drawn["shown"] and not drawn["faded"] and near(
                drawn["x"], graph.left + (other.x - box.x) * scale) and near(
                    drawn["width"], other.width * scale)
        elif other.index in below:
            ok = drawn["shown"] and drawn["faded"] and near(drawn["x"], graph.left) and near(
                drawn["width"], graph.width)
        else:
            ok = not drawn["shown"] and not drawn["text"]
        if not ok or (drawn["shown"] and not near(drawn["y"], other.y)):
            faults.append(other.name)
    return faults


def check_zoom(page, strip):
    graph, where = page.graph, ("graph", "vanished")[strip]
    box = best_zoomable(graph, strip)
    if not box:
        return
    page.click(box, strip)
    measured = page.measure()
    faults = zoom_faults(graph, box, strip, measured)
    check(f"{where}: a click on {box.name!r} zooms: it and its {len(box.callers())} callers fill "
          "the width, the rest is gone", not faults, f"{faults[:3]}")
    check(f"{where}: names stand inside the zoomed frames",
          not misfits(measured) and not missing_texts(measured))
    others = [index for index in range(len(graph.strips)) if index != strip]
    check(f"{where}: the other strip stays as it is", all(
        near(drawn["x"], other.x) and drawn["shown"] for index in others
        for other, drawn in zip(graph.strips[index], measured[index])))
    page.escape()
    check(f"{where}: Escape resets the zoom", is_as_in_file(graph, page.measure()))
    page.click(box, strip)
    page.driver.find_element(By.CSS_SELECTOR, ".controls button").click()
    check(f"{where}: the button resets the zoom", is_as_in_file(graph, page.measure()))


def check_narrow_zoom(page):
    """The narrowest: it and its callees had no name before."""
    box = min(zoomable(page.graph, 0), key=lambda other: other.width, default=None)
    if not box:
        return
    page.click(box)
    measured = page.measure()
    check(f"a click on {box.name!r}, {box.width:.1f} px wide, gives it and its callees names",
          measured[0][box.index]["text"] and not zoom_faults(page.graph, box, 0, measured)
          and not misfits(measured) and not missing_texts(measured))
    page.escape()


def check_root(page):
    box = best_zoomable(page.graph, 0)
    if not box:
        return
    page.click(box)
    page.click(page.graph.now[0])
    check("a click on the root resets the zoom", is_as_in_file(page.graph, page.measure()))


def check_keys(page):
    if not page.graph.now or not page.graph.now[0].callees:
        return
    first = page.graph.now[0].callees[0]
    page.driver.execute_script("document.querySelector('.now rect').focus()")
    page.press(Keys.ARROW_UP)
    check("an arrow leads to the first callee, and its details are shown",
          page.text(".details").startswith(first.name[:20]), page.text(".details")[:60])
    page.press(Keys.ENTER)
    check("Enter zooms", not zoom_faults(page.graph, first, 0, page.measure()))
    page.escape()


def check_details(page):
    box = max(page.graph.now[1:], key=lambda other: other.width, default=None)
    if not box:
        return
    page.driver.execute_script("document.querySelector('.details').textContent = ''")
    page.point_at(page.graph.now[0])
    page.point_at(box)
    rest = ", ".join(box.lines[1:])
    expected = box.name + (" " if rest.startswith("(") else ", ") + rest
    shown = page.text(".details")
    check("pointing at a frame shows its details",
          shown == expected or (shown.endswith("..") and expected.startswith(shown[:-2])), shown)


# ---- search ----

def matching(strip, pattern):
    return [box for box in strip if box.kind != "anchor"
            and (re.search(pattern, box.name) or re.search(pattern, box.module))]


def matched_share(strip, pattern):
    """Percent of the root's samples, what stands on a match counted once."""
    found = matching(strip, pattern)
    indices = {box.index for box in found}
    lowest = [box for box in found
              if not indices & {caller.index for caller in box.callers()}]
    return 100 * sum(box.samples for box in lowest) / strip[0].samples


def expected_matched(graph, pattern):
    texts = []
    for index, strip in enumerate(graph.strips):
        n = len(matching(strip, pattern))
        if not strip:
            texts.append("")
        elif index:
            texts.append(f"matched: {n} frame{'' if n == 1 else 's'}")
        else:
            texts.append(f"matched: {matched_share(strip, pattern):.1f} % of all samples")
    return texts


def marked(measured):
    return [[index for index, drawn in enumerate(strip) if drawn["match"]] for strip in measured]


def nested_name(strip):
    """One that is on its own stack, if there is one; otherwise one that is there most often."""
    for box in strip:
        if box.name in {caller.name for caller in box.callers()}:
            return box.name
    names = collections.Counter(box.name for box in strip)
    return max(names, key=lambda name: (names[name], name), default="")


def patterns_for(graph):
    names = [nested_name(graph.now)] + [box.name for strip in graph.strips[1:] for box in strip
                                        if box.kind != "anchor"][-1:]
    return [f"^{re.escape(name)}$" for name in names if name] + ["[aeiou]", "no such name"]


def check_search(page):
    graph = page.graph
    for pattern in patterns_for(graph):
        page.search(pattern)
        measured = page.measure()
        expected = [[box.index for box in matching(strip, pattern)] for strip in graph.strips]
        check(f"a search for {pattern} marks {sum(map(len, expected))} frames",
              marked(measured) == expected)
        fills = {drawn["fill"] for strip in measured for drawn in strip if drawn["match"]}
        plain = {drawn["fill"] for strip in measured for drawn in strip if not drawn["match"]}
        check("marked frames look like no other", not fills & plain and len(fills) <= 1)
        check("the share of what was found", page.matched() == expected_matched(graph, pattern),
              f"{page.matched()}")
    page.search("")
    check("an empty search marks nothing",
          is_as_in_file(graph, page.measure()) and not any(page.matched()))


def check_search_zoomed(page):
    graph, box, pattern = page.graph, best_zoomable(page.graph, 0), "[aeiou]"
    if not box:
        return
    page.search(pattern)
    page.click(box)
    expected = [[other.index for other in matching(strip, pattern)] for strip in graph.strips]
    check("a search outlives a zoom, with the share of all samples",
          marked(page.measure()) == expected
          and page.matched() == expected_matched(graph, pattern))
    page.escape()
    check("and the end of the zoom", marked(page.measure()) == expected)
    page.search("")


def check_bad_search(page):
    page.errors()
    page.search("[a")
    check("what is no regular expression is said and marks nothing",
          page.matched()[0] == "no valid regular expression"
          and not any(marked(page.measure())) and not page.errors(), page.text(".details"))
    page.search("")
    check("and forgotten when it is gone", page.matched()[0] == "")


# ---- other windows, paper, no scripts ----

def check_window(page, width):
    """The page is as wide, but not below LEAST_WINDOW px, and begins at the top."""
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 600, "deviceScaleFactor": 1, "mobile": False})
    right = page.driver.execute_script(
        "return Math.max(...[...document.querySelectorAll('rect, text, foreignObject')].map("
        "element => element.getBoundingClientRect().right))")
    top = page.driver.execute_script(
        "scrollTo(0, 0); return document.querySelector('.title').getBoundingClientRect().top")
    scroll = page.driver.execute_script("return document.documentElement.scrollWidth")
    expected = max(width, LEAST_WINDOW)
    check(f"in a window of {width} px the page is {expected} px wide",
          0.9 * min(expected, page.graph.width) < right <= expected and scroll <= expected
          and 0 < top < 15, f"{right:.0f}, {scroll} px, top {top:.0f} px")
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def check_print(page):
    on_screen = page.is_displayed(".controls")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    check("on paper the controls are left out and the frames are not",
          on_screen and not page.is_displayed(".controls")
          and is_as_in_file(page.graph, page.measure()))
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def check_without_scripts(driver, graph):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = Page(driver, graph)
        is_live = driver.execute_script(
            "return document.documentElement.classList.contains('live')")
        measured = page.measure()
        check("without scripts all frames, names and tooltips are there",
              not is_live and is_as_in_file(graph, measured) and not misfits(measured)
              and not missing_texts(measured))
        check("without scripts there are no controls", not page.is_displayed(".controls"))
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def check_graph(driver, graph):
    print(f"# {graph.path.name}")
    check_file(graph)
    driver.get_log("performance")
    page = Page(driver, graph)
    check_opened(page)
    check_contrast(page)
    for strip in range(len(graph.strips)):
        check_zoom(page, strip)
    check_narrow_zoom(page)
    check_root(page)
    check_keys(page)
    check_details(page)
    check_search(page)
    check_search_zoomed(page)
    check_bad_search(page)
    for width in (1200, 800, 400):
        check_window(page, width)
    check_print(page)
    check("the script has thrown nothing", not page.errors())
    check_without_scripts(driver, graph)


# ---- graphs whose numbers are known ----

def make(program, directory, name, folded, *arguments):
    source = directory / (name + ".folded")
    source.write_text(folded, encoding="utf-8")
    path = directory / (name + ".svg")
    with open(path, "wb") as file:
        subprocess.run([program, source, name, *arguments], stdout=file, check=True)
    return Graph(path)


def search_shows(page, pattern):
    page.search(pattern)
    return page.matched()[0]


def check_plain(driver, graph):
    check("plain: the tooltip of a frame", graph.now[0].lines == [
        "all", "1000 samples, 100.00 %, 10.0 ms per checkpoint"]
          and ["page_fault", "(kernel), kernel", "50 samples, 5.00 %, 0.500 ms per checkpoint"]
          in [box.lines for box in graph.now], f"{graph.now[0].lines}")
    page = Page(driver, graph)
    # work: 450 samples once, though it calls itself, and 250 elsewhere.
    for pattern, text in [("^work$", "70.0"), ("memcpy|page", "35.0"), ("^libc$", "35.0"),
                          ("all", "100.0"), ("^none$", "0.0")]:
        check(f"plain: {pattern} has {text} %",
              search_shows(page, pattern) == f"matched: {text} % of all samples")
    check("plain: there is but one strip", len(graph.strips) == 1)


def check_long(driver, graph):
    page = Page(driver, graph)
    for pattern, text in [("first", "25.0"), (",second,b+>$", "75.0"), ("^f<a+,first", "25.0")]:
        check(f"long names: {pattern}, in the middle of one, has {text} %",
              search_shows(page, pattern) == f"matched: {text} % of all samples")
    check("long names: the tooltip has both ends",
          all(re.fullmatch(r"f<a+\.\.b+>", box.lines[0]) for box in graph.now[1:]))


def check_change(graph):
    now, vanished = graph.strips
    per_ms = graph.width / 100
    widths = {box.name: box.width / per_ms for box in now + vanished}
    check("change: frames of both strips have one scale", all(
        math.isclose(widths[name], ms, abs_tol=0.01) for name, ms in
        [("all", 100), ("copy", 50), ("compress", 25), ("deflate", 15), ("old_path", 10)]),
          f"{widths}")
    classes = {box.name: box.kind[0] for box in now}
    check("change: red has grown, blue has shrunk, grey has not changed",
          (classes["copy"], classes["wait"], classes["lock"], classes["all"], classes["new_path"])
          == ("r", "b", "d", "d", "r"), f"{classes}")
    anchors = {box.name: box for box in vanished if box.kind == "anchor"}
    check("change: what vanished stands on its callers",
          {name: [callee.name for callee in box.callees] for name, box in anchors.items()}
          == {"run": ["old_path"], "send": ["compress"]}
          and anchors["send"].lines[-1] == "path: all; run; send")
    check("change: the second strip has its title",
          any(text.startswith("only in the base") for text in graph.headings))


def check_made(driver, program, directory):
    plain = make(program, directory, "plain", PLAIN, "0.01")
    change = make(program, directory, "change", CHANGE, "0.1", "0.1")
    wide = make(program, directory, "wide", WIDE, "1", "1")
    hostile = make(program, directory, "hostile", HOSTILE)
    gone = make(program, directory, "gone", GONE)
    empty = make(program, directory, "empty", "")
    for graph in (plain, change, wide, gone, empty, hostile):
        check_graph(driver, graph)
    check_plain(driver, plain)
    check_long(driver, make(program, directory, "long", LONG))
    check_change(change)
    for graph in (gone, empty):
        check(f"{graph.path.stem}: there are no samples, and that is said",
              not graph.now and graph.headings[0] == "no samples")
    driver.get(hostile.path.as_uri())
    check("hostile: a name is not run", driver.title == "hostile", driver.title)


def run(arguments, directory):
    """All that the browser leaves behind is in the directory."""
    service = Service("/usr/bin/chromedriver", env={**os.environ, "TMPDIR": str(directory)})
    driver = None
    try:
        driver = new_driver(service)
        if arguments.make:
            check_made(driver, arguments.make, directory)
        for path in arguments.svg:
            check_graph(driver, Graph(path))
    except Exception:  # whatever the browser did, the plan is printed and it is ended
        check("no exception", False, traceback.format_exc().replace("\n", "\n# "))
    finally:
        if driver:
            driver.quit()
        service.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", metavar="PROGRAM", help="make_flame_svg")
    parser.add_argument("svg", nargs="*")
    arguments = parser.parse_args()
    if not arguments.make and not arguments.svg:
        parser.error("nothing to test")
    # A test that is ended from outside ends its browser as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="flame-svg-", ignore_cleanup_errors=True) as name:
        run(arguments, pathlib.Path(name))
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
