# The pages of `foil eval --out` and `foil train` in a browser: nothing in its console, nothing asked of a network, all parts there, at any width, in light and dark, by keyboard
# and for a screen reader; and data made to break out of its place does not.
import os, subprocess, sys, tempfile

import browser

foil, build, source = os.environ["FOIL"], os.environ["FOIL_BUILD"], os.environ["FOIL_SOURCE"]
here = os.path.dirname(os.path.abspath(__file__))
if not browser.PROGRAM:
    print("skipped: there is no chromium to open reports with")
    sys.exit(77)


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def expect(what, holds):
    if not holds:
        sys.exit(f"failed: {what}")


COLOURS = "[getComputedStyle(document.body).backgroundColor, document.documentElement.dataset.theme]"
# What sticks out of the page to the right, apart from what may be scrolled.
WIDE = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    && !e.closest('.table, nav, pre, .hidden, .skip')).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""
# Plots without ink: a canvas of one colour, a drawing without anything to see.
EMPTY = """[...document.querySelectorAll('.chart')].filter(e => {
    const canvas = e.querySelector('canvas');
    if (!canvas) return e.querySelectorAll('rect, circle').length === 0;
    return new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size < 8;
}).map(e => e.getAttribute('aria-label'))"""
SMALL_CONTRAST = """(() => {
    const rgb = s => s.match(/[\\d.]+/g).map(Number), lum = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0);
    const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; if (c[3] > 0) {
        const under = ground(e.parentElement); return c.slice(0, 3).map((v, i) => v * c[3] + under[i] * (1 - c[3])); } } return [255, 255, 255]; };
    return [...document.querySelectorAll('p, td, th, td *, figcaption, a, dt, dd, h1, h2, h3, summary, button, label, li')].filter(e => e.textContent.trim() && e.getClientRects().length).filter(e => {
        const a = lum(rgb(getComputedStyle(e).color)), b = lum(ground(e)); return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5; }).map(e => e.tagName + ' ' + e.textContent.slice(0, 30)).slice(0, 5);
})()"""


# Opens a page in each way that a reader may, and looks for what is wrong with any page.
def look(b, path, sections):
    for width, scheme in ((1200, "light"), (1200, "dark"), (400, "light")):
        b.open(path, width, scheme)
        at = f"{path} at {width} px, {scheme}"
        expect(f"{at}: {b.complaints}", not b.complaints)
        paper, theme = b.run(COLOURS)
        expect(f"{at}: shown {theme} on {paper}", theme == scheme and (sum(map(int, paper[4:-1].split(","))) < 200) == (scheme == "dark"))
        there = b.run("[...document.querySelectorAll('main section')].map(s => s.id)")
        expect(f"{at}: sections {there}, expected {sections}", there == sections)
        expect(f"{at}: it sticks out: {b.run(WIDE)}", not b.run(WIDE))
        expect(f"{at}: empty plots: {b.run(EMPTY)}", not b.run(EMPTY))
        expect(f"{at}: hard to read: {b.run(SMALL_CONTRAST)}", not b.run(SMALL_CONTRAST))
        said = b.run("document.body.innerText")
        expect(f"{at}: 'null', 'NaN' or 'undefined' on the page", not any(w in said.split() for w in ("null", "NaN", "undefined")))
    nameless = [r for r, name in b.spoken() if r in ("image", "button", "link", "combobox", "slider", "checkbox", "figure", "region", "progressbar") and not name and r != "figure"]
    expect(f"{path}: without a name for screen readers: {nameless}", not nameless)
    levels = b.run("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    expect(f"{path}: headings {levels}", levels[0] == 1 and levels.count(1) == 1 and all(b_ - a <= 1 for a, b_ in zip(levels, levels[1:])))
    heads = b.run("document.querySelectorAll('th:not([scope])').length")
    expect(f"{path}: {heads} heads of tables without a scope", heads == 0)
    pdf = path + ".pdf"
    b.print(pdf)
    expect(f"{path}: nothing printed", os.path.getsize(pdf) > 10000)
    b.open(path)
    before = b.run(COLOURS)
    b.run("document.querySelector('#head button').click()")
    expect(f"{path}: the theme's switch does nothing", b.run(COLOURS) != before)
    b.run("try { localStorage.clear() } catch (e) { }")


# Arrow keys on the first plot of curves tell values.
def check_keyboard(b):
    b.run("document.querySelector('.chart[role=img][tabindex]').focus()")
    b.press("ArrowRight")
    first = b.run("document.querySelector('output.readout').textContent")
    b.press("ArrowRight")
    second = b.run("document.querySelector('output.readout').textContent")
    expect(f"arrow keys read '{first}', then '{second}'", first and second and first != second)


def check_made_up(b, folder):
    sections = ["summary", "ranking", "scores", "methods", "robustness", "mistakes", "detector", "reproduce"]
    for kind, there in (("usual", sections), ("hostile", sections), ("large", sections), ("poor", [s for s in sections if s not in ("methods", "robustness")])):
        path, data = f"{folder}/{kind}.html", f"{folder}/{kind}.json"
        with open(data, "w") as f:
            f.write(run(sys.executable, f"{here}/page_sample.py", kind))
        run(f"{build}/tests/tool_page", data, path)
        look(b, path, there)
    b.open(f"{folder}/hostile.html")
    expect("a name became more than text", b.run("document.title !== 'broken' && document.querySelectorAll('main img[src=x], main script').length === 0"))

    with open(f"{folder}/few.csv", "w") as few: # the method of three fakes has the least AUC, and says least
        print("score,fake,method", *[f"{i / 50},0,\n{i / 50 + .1},1,plain\n{i / 50 + .05},1,harder" for i in range(40)], *3 * [".01,1,rare"], sep="\n", file=few)
    run(foil, "eval", "--scores", f"{folder}/few.csv", "--draws", "50", "--out", f"{folder}/few", "--quiet")
    b.open(f"{folder}/few/report.html")
    said = b.run("document.getElementById('head').textContent")
    expect(f"the worst method with an interval: {said}", "Of the methods of forgery with enough clips for an interval, harder is found worst" in said)
    row = b.run("[...[...document.querySelectorAll('#methods tr')].find(e => e.textContent.startsWith('rare')).cells].map(e => e.textContent)")
    expect(f"no more digits than three fakes bear: {row}", row == ["rare", "0.03", "", "0.97", "0.00", "0.58", "40", "3"])

    b.open(f"{folder}/poor.html")
    said = b.run("document.getElementById('head').textContent")
    expect(f"too few for an interval: {said}", all(w in said for w in ("How much of that is chance is not known", "only 3 reals (3 clips) and 2 fakes (2 clips)", "no interval where a class has fewer than 10 clips")))

    b.open(f"{folder}/usual.html")
    said = b.run("document.getElementById('summary').textContent")
    expect(f"few reals for an FPR of 1 %: {said}", "TPR at 1 % FPR against fewer than 299 clips of reals is often too high" in said)
    check_keyboard(b)
    verdict = b.run("document.querySelector('.verdict').textContent")
    expect(f"verdict: {verdict}", "AUC 0.86 [0.81, 0.91] on 80 reals and 82 fakes" in verdict and "62 of 82 fakes" in verdict and "9 of 80 reals" in verdict)
    b.run("(e => { e.value = 1; e.dispatchEvent(new Event('change')); })(document.getElementById('choose-set'))")
    beside = b.run("""(() => {
        const kept = data.detectors, of = (name, kind, fingerprint) => ({name, kind, card: {fingerprint}});
        data.detectors = [of('a/best', 'network', '1'), of('b/best', 'network', '2'), of('a/cues', 'cues', '1'), of('b/cues', 'cues', '2'), of('c/best', 'network', '2'), of('theirs.csv', 'scores')];
        const found = [0, 1, 4, 5].map(baselineOf).join();
        data.detectors = kept;
        return found; })()""")
    expect(f"baselines of detectors: {beside}", beside == "2,3,3,-1")
    said = b.run("document.getElementById('head').textContent")
    expect(f"calibrated on these pictures: {said}", "On some of these pictures the detector was calibrated and given its thresholds." in said)
    expect("another set is another verdict", "AUC 0.71" in b.run("document.querySelector('.verdict').textContent"))
    rows = "document.querySelectorAll('#summary tbody')[0].rows.length"
    expect("three detectors", b.run(rows) == 3)
    b.run("(e => { e.focus(); e.click(); })(document.getElementById('beside-2'))")
    expect("one of them is hidden", b.run(rows) == 2 and b.run("document.activeElement.id") == "beside-2")
    expect(f"choosing makes errors: {b.complaints}", not b.complaints)


def check_real(b, folder):
    tiny = ["train", f"{source}/tests/train/tiny/run.yaml", f"data.set={folder}/set.h5", "run.steps=12", "log.every=2", "log.samples=4", "evaluate.every=4", "run.name=</script>tiny", "--quiet"]
    run(f"{build}/tests/tool_set", f"{folder}/set.h5", "32", "90", "3")
    run(foil, *tiny, "--out", f"{folder}/run")
    look(b, f"{folder}/run/report.html", ["validation", "samples", "training", "speed", "settings"])
    said = b.run("document.querySelector('.verdict').textContent")
    expect(f"the run's verdict: {said}", said.startswith("Finished after 12 steps. The best detector so far has a validation AUC of"))
    expect("moving means are told of where none is drawn", "moving mean" not in b.run("document.getElementById('training').textContent"))
    check_keyboard(b)
    b.run("document.getElementById('step').focus()")
    last = b.run("document.querySelector('.samples img').alt")
    b.press("ArrowLeft")
    expect(f"the slider goes from '{last}'", last.endswith("step 12") and b.run("document.querySelector('.samples img').alt").endswith("step 8"))

    run(foil, "eval", f"{folder}/run/best.safetensors", f"{folder}/set.h5", "--split", "val", "--draws", "50", "--perturb", "jpeg,blur", "--out", f"{folder}/report", "--quiet")
    look(b, f"{folder}/report/report.html", ["summary", "ranking", "scores", "methods", "robustness", "mistakes", "detector", "reproduce"])
    expect("no warning that the thresholds were set on these pictures", "thresholds on them" in b.run("document.querySelector('.warning').textContent"))
    command = b.run("document.querySelector('#reproduce pre').textContent")
    expect(f"command: {command}", command.startswith("foil eval ") and command.endswith("--quiet"))
    expect("pictures and maps of mistakes", b.run("[...document.querySelectorAll('.gallery img')].every(i => i.complete && i.naturalWidth > 0) && document.querySelectorAll('.gallery .both').length > 0"
                                                  " && document.querySelectorAll('.gallery img').length === 2 * document.querySelectorAll('.gallery .both').length"))
    numbers = b.run("JSON.parse(document.getElementById('data').textContent).results[0]")
    d, rows = numbers["decisions"], numbers["rows"]
    expect(f"decisions {d} and rows {rows[0]}", d["tp"] + d["fn"] == rows[0]["fakes"] and d["fp"] + d["tn"] == rows[0]["reals"])
    right = (d["tp"] + d["tn"]) / (rows[0]["fakes"] + rows[0]["reals"])
    expect(f"accuracy {rows[0]['metrics']['accuracy']}, by decisions {right}", abs(right - rows[0]["metrics"]["accuracy"]["value"]) < 1e-5)
    expect("the histogram has all", sum(numbers["histogram"]["real"]) == rows[0]["reals"] and sum(numbers["histogram"]["fake"]) == rows[0]["fakes"])
    above = "(svg => [...svg.querySelectorAll('text')].find(e => e.textContent.startsWith('threshold 0.')).getBoundingClientRect().bottom - Math.min(...[...svg.querySelectorAll('rect')].map(e => e.getBoundingClientRect().top)))"
    expect("the threshold's value is on the bars", b.run(f"{above}(document.querySelector('#scores .chart svg'))") <= 0)
    curve = numbers["roc"]
    area = sum((x1 - x0) * (y0 + y1) / 2 for x0, x1, y0, y1 in zip(curve["fpr"], curve["fpr"][1:], curve["tpr"], curve["tpr"][1:]))
    expect(f"area {area} under the drawn curve, AUC {rows[0]['metrics']['auc']}", abs(area - rows[0]["metrics"]["auc"]["value"]) < 0.02)

    run(foil, "eval", "--scores", f"{folder}/report/scores.csv", "--draws", "40", "--out", f"{folder}/scores", "--quiet")
    look(b, f"{folder}/scores/report.html", ["summary", "ranking", "scores", "methods", "mistakes", "detector", "reproduce"])
    expect("it says that there are no pictures", "no pictures to show" in b.run("document.getElementById('mistakes').textContent"))

    # The first real is above half of the fakes: the curve rises at an FPR of 1 %, from nothing.
    with open(f"{folder}/steps.csv", "w") as steps, open(f"{folder}/asv.txt", "w") as asv:
        print("score,fake", ".9,0", *50 * [".8,1"], *99 * [".5,0"], *50 * [".1,1"], sep="\n", file=steps)
        print("a target 3", "b target 1", "c nontarget 0", "d nontarget 2", "e spoof 3", sep="\n", file=asv)
    run(foil, "eval", "--scores", f"{folder}/steps.csv", "--asv", f"{folder}/asv.txt", "--draws", "40", "--out", f"{folder}/steps", "--quiet")
    b.open(f"{folder}/steps/report.html", 1200, "light")
    heads = b.run("[...document.querySelectorAll('#summary th')].map(e => e.textContent)")
    expect(f"t-DCFs in {heads}", "t-DCF 2019" in heads and "t-DCF 2021" in heads)
    found = b.run("[...document.querySelectorAll('#ranking tr')].map(e => e.textContent).find(s => s.startsWith('1 %'))")
    expect(f"TPR of 0.5 at an FPR of 1 %, as the summary has it: {found}", found.startswith("1 %0.50"))

    with open(f"{folder}/logits.csv", "w") as logits:
        print("score,fake", *[f"{i / 7 - 3.3},{i % 2}" for i in range(60)], sep="\n", file=logits)
    run(foil, "eval", "--scores", f"{folder}/logits.csv", "--draws", "40", "--out", f"{folder}/logits", "--quiet")
    b.open(f"{folder}/logits/report.html", 1200, "light")
    ticks = b.run("[...document.querySelectorAll('#scores .chart svg text')].map(e => e.textContent)")
    expect(f"round numbers on the axis of scores from -3.3 to 5.13, not {ticks}", ["−2", "0", "2", "4"] == [t for t in ticks if t.lstrip("−").isdigit()])


with tempfile.TemporaryDirectory() as folder, browser.Browser() as b:
    check_made_up(b, folder)
    check_real(b, folder)
print("reports open without a complaint, in light and dark, narrow and wide, on paper, by keyboard")
