// An evaluation. data: {foil, command, seed, draws, sets, detectors, results, differences, robustness}, as eval/pages/evaluation.c makes it; null = no number.
const state = {set: 0, detector: 0, hidden: new Set()};
for (const d of data.detectors) d.name = d.name.replace(/(.)\.safetensors$/, '$1'); // in columns, each letter counts
const several = data.detectors.length > 1;
const styleOf = (d) => style(d);
const result = (d, set = state.set) => data.results.find((r) => r.set === set && r.detector === d);
const overall = (r) => r.rows.find((w) => w.kind === 'overall');
// Those that are compared here and now, the one in focus first.
const shown = () => data.detectors.map((_, d) => d).filter((d) => result(d) && (d === state.detector || !state.hidden.has(d)))
    .sort((a, b) => (b === state.detector) - (a === state.detector) || a - b);
const results = () => shown().map((d) => result(d));
const label = (d) => [several ? key(styleOf(d)) : null, name(data.detectors[d].name)];
const METRICS = {auc: 'AUC', ap: 'AP', eer: 'EER', accuracy: 'accuracy', 'tpr@fpr=0.01': 'TPR at 1 % FPR', brier: 'Brier', log_loss: 'log-loss', ece: 'ECE', min_dcf: 'minDCF', cllr: 'Cllr', f1: 'F1', mcc: 'MCC', 'pauc@fpr=0.1': 'partial AUC', tdcf_2019: 't-DCF 2019', tdcf_2021: 't-DCF 2021'};
const metricName = (m) => METRICS[m] || m;
const set = () => data.sets[state.set];
const reals = (n) => many(n, 'real'), fakes = (n) => many(n, 'fake');

// The verdict. -----------------------------------------------------------------------------------------------------------------------------------------
const SEEN = { // what may follow “80 reals and 82 fakes”
    test: ' from the test split of the set that it was trained on, which no training saw',
    other: ' of another set than the one it was trained on',
};
function decision(r) {
    const d = r.decisions;
    if (!d || !known(r.threshold.value)) return '.';
    return [`; at ${r.threshold.name === '0.5' ? 'the threshold' : `its threshold “${r.threshold.name}”, a score of`} ${short(r.threshold.value)}, it finds `,
        el('strong', {}, `${count(d.tp)} of ${fakes(d.tp + d.fn)}`), ' and takes ', el('strong', {}, `${count(d.fp)} of ${reals(d.fp + d.tn)}`), ' for fakes.'];
}
// The baseline of cues that a detector is held against: that of its folder, else one fitted to its training set, else the only one; or -1.
function baselineOf(detector) {
    const own = data.detectors[detector], folder = (d) => d.name.replace(/[^/]*$/, ''), baselines = data.detectors.filter((d) => d.kind === 'cues');
    const found = baselines.find((d) => folder(d) === folder(own)) || baselines.find((d) => d.card.fingerprint && d.card.fingerprint === own.card.fingerprint);
    return data.detectors.indexOf(found || (baselines.length === 1 ? baselines[0] : null));
}
function meaning(r) {
    const auc = overall(r).metrics.auc, words = [];
    if (known(auc.low) && auc.low <= 0.5 && auc.high >= 0.5) words.push('On these pictures that cannot be told from guessing.');
    else if (known(auc.low) && auc.high < 0.5) words.push('That is worse than guessing: here its scores point the wrong way.');
    else words.push(`Of a real and a fake picked at random, the fake gets the higher score ${Math.round(100 * auc.value)} times in 100; 50 is guessing.`);
    if (!known(auc.low)) words.push(' How much of that is chance is not known.');
    const all = r.rows.filter((w) => w.kind === 'method' && known(w.metrics.auc.value)), methods = all.filter((w) => !data.draws || known(w.metrics.auc.low)); // of few clips one is easily the worst
    methods.sort((a, b) => a.metrics.auc.value - b.metrics.auc.value);
    if (methods.length > 1) words.push(` Of the methods of forgery${methods.length < all.length ? ' with enough clips for an interval' : ''}, `, name(methods[0].name), ` is found worst (AUC ${interval(methods[0].metrics.auc)}).`);
    const plain = baselineOf(r.detector);
    if (plain >= 0 && plain !== r.detector && result(plain)) {
        words.push(' The cue baseline, which looks at ', many(Object.keys(data.detectors[plain].card.cues || {}).length, 'number') + ' of the signal', ' alone, reaches ', interval(overall(result(plain)).metrics.auc), '.');
    }
    return words;
}
// What the intervals of these rows cannot say.
const clips = (w) => Math.min(w.real_clips, w.fake_clips);
function doubts(rows) {
    const words = [], auc = (w) => w.metrics.auc;
    if (data.draws && rows.some((w) => clips(w) < data.enough_clips)) words.push(`There is no interval where a class has fewer than ${data.interval_clips} clips; where fewer than ${data.enough_clips} it is often too narrow.`);
    if (rows.some((w) => known(auc(w).low) && (auc(w).value === 0 || auc(w).value === 1))) words.push('Reals and fakes that are wholly apart are so in every resample: an interval of no width is no proof. Of a class with n clips, up to 3 / n may lie beyond those seen (rule of three, 95 %).');
    return words;
}
function warnings(r) {
    const words = [];
    const seen = {train: 'These pictures are the train split of the set that the detector was made with: it learnt from them.', val: 'These pictures are the val split of the set that the detector was made with: it was chosen, calibrated and given its thresholds on them.', all: 'Among these pictures are those that the detector learnt from.'}[r.seen];
    if (seen) words.push(`${seen} That says little about pictures it has not seen.`);
    else if (r.calibrated) words.push('On some of these pictures the detector was calibrated and given its thresholds. What it decides here, and how well calibrated it is here, says little about others.');
    const o = overall(r);
    if (clips(o) < data.enough_clips) words.push(`There are only ${reals(o.reals)} (${many(o.real_clips, 'clip')}) and ${fakes(o.fakes)} (${many(o.fake_clips, 'clip')}).`);
    words.push(...doubts([o]));
    return words.map((w) => el('p', {class: 'warning'}, w));
}
function head() {
    const r = result(state.detector), o = overall(r), s = set();
    document.title = `${data.detectors[state.detector].name} on ${s.name}: evaluation`;
    put('head', el('p', {class: 'eyebrow'}, `Foil ${data.foil} · evaluation`, theme.button()),
        el('h1', {}, name(data.detectors[state.detector].name), ' on ', name(s.name)),
        el('p', {class: 'verdict'}, 'AUC ', el('strong', {}, interval(o.metrics.auc)), ` on ${reals(o.reals)} and ${fakes(o.fakes)}`, s.unit === 'clip' ? ' (clips)' : '', SEEN[r.seen] || '', decision(r)),
        el('p', {}, meaning(r)), warnings(r), controls());
}
function again() {
    const at = document.activeElement && document.activeElement.id;
    render();
    if (at && document.getElementById(at)) document.getElementById(at).focus();
}
function controls() {
    const parts = [];
    if (data.sets.length > 1) parts.push(el('label', {}, 'Set ', el('select', {id: 'choose-set', onchange: (e) => { state.set = +e.target.value; if (!result(state.detector)) state.detector = data.results.find((r) => r.set === state.set).detector; again(); }},
        data.sets.map((s, i) => el('option', {value: i, selected: i === state.set}, s.name)))));
    if (several) {
        parts.push(el('label', {}, 'Detector ', el('select', {id: 'choose-detector', onchange: (e) => { state.detector = +e.target.value; again(); }},
            data.detectors.map((d, i) => (result(i) ? el('option', {value: i, selected: i === state.detector}, d.name) : null)))));
        parts.push(el('fieldset', {}, el('legend', {}, 'beside '), data.detectors.map((d, i) => (i === state.detector || !result(i) ? null
            : el('label', {}, el('input', {type: 'checkbox', id: 'beside-' + i, checked: !state.hidden.has(i), onchange: () => { if (!state.hidden.delete(i)) state.hidden.add(i); again(); }}), ' ', label(i))))));
    }
    return parts.length ? el('div', {class: 'controls', role: 'group', 'aria-label': 'What is shown'}, parts) : null;
}

// Summary. ---------------------------------------------------------------------------------------------------------------------------------------------
// Where the axis of AUCs begins: at guessing, unless something is worse.
const lowest = (rows) => Math.floor(10 * Math.min(0.5, ...rows.map((w) => (known(w.metrics.auc.low) ? w.metrics.auc.low : w.metrics.auc.value)).filter(known))) / 10;
const aucHead = (from) => ({heads: {2: whiskerScale(from, 1, 'AUC as a plot')}});
function summary() {
    const all = results(), from = lowest(all.map(overall));
    const extra = ['ap', 'eer', 'tdcf_2019', 'tdcf_2021', 'tpr@fpr=0.01', 'accuracy', 'brier', 'ece'].filter((m) => all.some((r) => overall(r).metrics[m] && known(overall(r).metrics[m].value)));
    const rows = all.map((r) => ({class: several && r.detector === state.detector ? 'focus' : null, cells: [el('th', {scope: 'row'}, label(r.detector)), stacked(overall(r).metrics.auc),
        el('td', {class: 'plot'}, whisker(overall(r).metrics.auc, from, 1, 0.5, styleOf(r.detector))), ...extra.map((m) => stacked(overall(r).metrics[m]))]}));
    return section('summary', 'Summary', table('Overall, with 95 % intervals', ['Detector', '#AUC', '~plot', ...extra.map((m) => '#' + metricName(m))], rows, {quiet: true, ...aucHead(from)}),
        el('p', {class: 'soft'}, `In brackets: 95 % intervals (percentile bootstrap, ${count(data.draws)} draws of whole clips). AUC, AP, TPR and accuracy: 1 is perfect; EER, Brier and ECE: 0 is${extra.includes('tdcf_2019') ? '; of t-DCFs, less is better' : ''}. The dashed line is guessing.${all.some((r) => overall(r).real_clips < data.enough_reals) ? ` The TPR at 1 % FPR against fewer than ${data.enough_reals} clips of reals is often too high, and so is its interval.` : ''}`),
        differences(), data.sets.length > 1 ? sets() : null);
}
function differences() {
    const rows = data.differences.filter((d) => d.set === state.set && shown().includes(d.a) && shown().includes(d.b))
        .map((d) => [el('th', {scope: 'row'}, name(data.detectors[d.a].name), ' − ', name(data.detectors[d.b].name)), metricName(d.metric),
            interval(d), known(d.p) ? (d.p < 0.001 ? '< 0.001' : d.p.toFixed(3)) : '–', known(d.p_holm) ? (d.p_holm < 0.001 ? '< 0.001' : d.p_holm.toFixed(3)) : '–',
            known(d.p_holm) ? (d.p_holm < 0.05 ? 'a difference' : 'none shown') : '–']);
    if (!rows.length) return null;
    return [el('h3', {}, 'Differences'), table('Paired differences', ['Difference', 'of', '#value', '#p', '#p (Holm)', 'at 5 %'], rows, {quiet: true, long: rows.length > 12}),
        el('p', {class: 'soft'}, 'Both detectors judge the very same pictures in each draw. p is two-sided; Holm’s correction is for all these comparisons. “None shown” does not say that there is none.')];
}
function sets() {
    const rows = shown().map((d) => [el('th', {scope: 'row'}, label(d)), ...data.sets.map((_, i) => (result(d, i) ? interval(overall(result(d, i)).metrics.auc) : '–'))]);
    return [el('h3', {}, 'All sets'), table('AUC on each set', ['Detector', ...data.sets.map((s) => '#' + s.name)], rows, {quiet: true}), el('p', {class: 'soft'}, 'AUC. A detector that is good on one set alone has learnt that set.')];
}

// Curves. ----------------------------------------------------------------------------------------------------------------------------------------------
function roc() {
    const series = results().filter((r) => r.roc).map((r) => ({name: data.detectors[r.detector].name, x: r.roc.fpr, y: r.roc.tpr, low: r.roc.low, high: r.roc.high, ...styleOf(r.detector)}));
    if (!series.length) return null;
    const grid = results().find((r) => r.roc).roc.table; // each is a point of the curves
    const band = (s, x) => interval({value: at(s.x, s.y, x), low: at(s.x, s.low, x), high: at(s.x, s.high, x)});
    const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((t) => [t, percent(t)]);
    return figure('ROC', curves({label: `ROC curves: the share of fakes found against the share of reals accused, for ${series.map((s) => s.name).join(', ')}.`, height: 380, line: [[0, 0], [1, 1]],
        x: {label: 'reals taken for fakes (FPR)', range: [0, 1], ticks, read: (x) => percent(x, 1)}, y: {label: 'fakes found (TPR)', range: [0, 1.005], ticks, read: (y) => percent(y, 1)}, series}),
        'Good hugs the upper left corner; the dashed line is guessing. Bands: 95 % at each FPR.',
        folded('Values as a table', table('TPR at chosen FPRs', ['#FPR', ...series.map((s) => '#' + s.name)], grid.map((x) => [percent(x), ...series.map((s) => band(s, x))]), {quiet: true})));
}
// The inverse of the normal distribution (Acklam's rational approximation, relative error below 1.2e-9).
function probit(p) {
    const tail = (q) => (((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783)
        / ((((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
    if (p < 0.02425) return tail(Math.sqrt(-2 * Math.log(p)));
    if (p > 0.97575) return -tail(Math.sqrt(-2 * Math.log(1 - p)));
    const q = p - 0.5, r = q * q;
    return (((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r - 30.66479806614716) * r + 2.506628277459239) * q
        / (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r - 13.28068155288572) * r + 1);
}
function det() {
    const LEAST = 0.002, clamp = (p) => Math.max(LEAST, Math.min(1 - LEAST, p)), unit = (z) => 1 / (1 + Math.exp(-1.5976 * z - 0.07056 * z * z * z)); // to read out: within 0.0002
    const series = results().filter((r) => r.roc).map((r) => {
        const keep = r.roc.fpr.map((x, i) => i).filter((i) => r.roc.fpr[i] >= LEAST && r.roc.fpr[i] <= 1 - LEAST), miss = (ys) => keep.map((i) => (known(ys[i]) ? probit(clamp(1 - ys[i])) : null));
        return {name: data.detectors[r.detector].name, x: keep.map((i) => probit(r.roc.fpr[i])), y: miss(r.roc.tpr), low: miss(r.roc.high), high: miss(r.roc.low), ...styleOf(r.detector)};
    }).filter((s) => s.x.length > 1);
    if (!series.length) return null;
    const range = [probit(LEAST), probit(0.8)], ticks = [0.002, 0.01, 0.05, 0.2, 0.5, 0.8].map((p) => [probit(p), percent(p, p < 0.01 ? 1 : 0)]), read = (z) => percent(unit(z), 1);
    return figure('DET', curves({label: `DET curves: fakes missed against reals accused on normal deviates, for ${series.map((s) => s.name).join(', ')}.`, height: 380, line: [[range[0], range[0]], [range[1], range[1]]],
        x: {label: 'reals taken for fakes (FPR)', range, ticks, read}, y: {label: 'fakes missed (FNR)', range, ticks, read}, series}),
        'The same, as both errors and with room for the small ones (axes in normal deviates). Good is low and to the left; the dashed line crosses each curve at its EER.');
}

// Scores. ----------------------------------------------------------------------------------------------------------------------------------------------
// Shares of each class per bin: reals upwards, fakes downwards, so that the threshold's value has its place above the bars.
function histogram(r, width) {
    const h = r.histogram, n = h.real.length, top = 24, height = 220, left = 44, wide = width - left - 12, middle = top + height / 2;
    const total = (list) => list.reduce((a, b) => a + b, 0), share = (list) => list.map((v) => v / Math.max(1, total(list)));
    const real = share(h.real), fake = share(h.fake), most = Math.max(0.05, ...real, ...fake), from = h.edges[0], to = h.edges[n];
    const digits = most < 0.1 ? 1 : 0, unit = 100 * 10 ** digits, grid = Math.ceil(unit * most / 2) / unit; // lines are where their labels say
    const x = (v) => left + wide * (v - from) / (to - from), y = (s) => (height / 2) * s / (2 * grid);
    const bars = (list, up, fill) => list.map((s, i) => (s > 0 ? svg('rect', {x: x(h.edges[i]) + 0.5, width: Math.max(1, x(h.edges[i + 1]) - x(h.edges[i]) - 1), y: up ? middle - y(s) : middle, height: y(s), style: `fill: var(${fill})`}) : null));
    const ticks = from === 0 && to === 1 ? [0, 0.25, 0.5, 0.75, 1] : roundNumbers(from, to), t = r.threshold.value;
    return svg('svg', {width, height: top + height + 40, 'aria-hidden': 'true'},
        [grid, 2 * grid].map((s) => [middle - y(s), middle + y(s)].map((v) => [svg('line', {x1: left, x2: left + wide, y1: v, y2: v, style: 'stroke: var(--grid)'}), svg('text', {x: left - 6, y: v + 4, 'text-anchor': 'end'}, percent(s, digits))])),
        bars(real, true, '--real'), bars(fake, false, '--fake'), svg('line', {x1: left, x2: left + wide, y1: middle, y2: middle, style: 'stroke: var(--ink)'}),
        known(t) && t >= from && t <= to ? [svg('line', {x1: x(t), x2: x(t), y1: top - 4, y2: top + height, 'stroke-dasharray': '4 3', style: 'stroke: var(--ink)'}),
            svg('text', {x: x(t), y: top - 10, 'text-anchor': t > (from + to) / 2 ? 'end' : 'start', class: 'strong'}, `threshold ${short(t)}`)] : null,
        ticks.map((v) => svg('text', {x: x(v), y: top + height + 16, 'text-anchor': 'middle'}, short(v))),
        svg('text', {x: left + wide / 2, y: top + height + 34, 'text-anchor': 'middle'}, 'score: higher is more likely fake'),
        svg('text', {x: left + 5, y: top + 6, class: 'strong'}, `▲ ${reals(total(h.real))}`), svg('text', {x: left + 5, y: top + height - 4, class: 'strong'}, `▼ ${fakes(total(h.fake))}`));
}
function reliability(r, width) {
    const side = 220, top = 24, left = 44, wide = width - left - 12, bins = r.reliability.filter((b) => b.n > 0);
    const x = (v) => left + wide * v, y = (v) => top + side * (1 - v), most = Math.max(...bins.map((b) => b.n)), stroke = `stroke: var(${styleOf(r.detector).colour})`;
    return svg('svg', {width, height: top + side + 40, 'aria-hidden': 'true'},
        [0, 0.25, 0.5, 0.75, 1].map((v) => [svg('line', {x1: left, x2: left + wide, y1: y(v), y2: y(v), style: 'stroke: var(--grid)'}), svg('text', {x: left - 6, y: y(v) + 4, 'text-anchor': 'end'}, percent(v)), svg('text', {x: x(v), y: top + side + 16, 'text-anchor': 'middle'}, short(v))]),
        svg('line', {x1: x(0), x2: x(1), y1: y(0), y2: y(1), 'stroke-dasharray': '3 4', style: 'stroke: var(--soft)'}),
        bins.map((b) => [svg('line', {x1: x(b.score), x2: x(b.score), y1: y(b.fakes_low), y2: y(b.fakes_high), 'stroke-width': 1.5, style: stroke}),
            svg('circle', {cx: x(b.score), cy: y(b.fakes), r: 2.5 + 4.5 * Math.sqrt(b.n / most), style: `fill: var(${styleOf(r.detector).colour})`})]),
        svg('text', {x: left + wide / 2, y: top + side + 34, 'text-anchor': 'middle'}, 'mean score of the bin'));
}
function scores() {
    return section('scores', 'Scores', results().map((r) => {
        const h = r.histogram, own = data.detectors[r.detector].name, ece = overall(r).metrics.ece;
        return [several ? el('h3', {}, label(r.detector)) : null, el('div', {class: 'pair'},
            !h ? null : figure(several ? null : 'Distribution', plot({role: 'img', 'aria-label': `Distribution of the scores of ${own}: shares of reals above the axis, of fakes below. The table has the numbers.`}, (where, width) => where.replaceChildren(histogram(r, width))),
                'Share of each class by score. Good: reals (above the line) on the left, fakes (below) on the right, little in common.',
                folded('Values as a table', table('Pictures by score', ['Score', '#reals', '#fakes'], h.real.map((n, i) => [`${short(h.edges[i])} to ${short(h.edges[i + 1])}`, count(n), count(h.fake[i])]), {quiet: true, long: true}))),
            r.reliability && r.reliability.some((b) => b.n > 0) ? figure(several ? null : 'Reliability', plot({role: 'img', 'aria-label': `Reliability of ${own}: the share of fakes against the mean score in each of ${r.reliability.length} bins. The table has the numbers.`}, (where, width) => where.replaceChildren(reliability(r, width))),
                `Share of fakes by mean score. Good: on the dashed line, where “0.8” is fake in 80 % of cases — among pictures with as many fakes as here. Large dots: many pictures; whiskers: 95 %.${ece && known(ece.value) ? ` ECE ${interval(ece)}.` : ''}`,
                folded('Values as a table', table('Reliability', ['Scores', '#pictures', '#mean score', '#fakes'], r.reliability.filter((b) => b.n).map((b) => [`${fixed(b.low, 2)} to ${fixed(b.high, 2)}`, count(b.n), fixed(b.score, 3), interval({value: b.fakes, low: b.fakes_low, high: b.fakes_high})]), {quiet: true})))
                : el('p', {class: 'soft'}, 'These scores are no probabilities: how well they are calibrated cannot be said.'))];
    }));
}

// Methods, subjects, levels. ---------------------------------------------------------------------------------------------------------------------------
const KINDS = {method: ['By method of forgery', 'Method', 'Fakes of one method, hardest first, against all reals; those of one level of compression against its reals, if it has any.'], level: ['By compression', 'Level', 'Fakes of one level of compression against its reals, or against all reals if it has none.'], subject: ['By subject', 'Subject', 'Fakes of one subject, hardest first, against the subject’s own reals, or against all reals if there are none.']};
function breakdown(kind) {
    const mine = results(), names = [], find = (r, n) => r.rows.find((w) => w.kind === kind && w.name === n);
    for (const r of mine) r.rows.forEach((w) => { if (w.kind === kind && !names.includes(w.name)) names.push(w.name); });
    if (!names.length) return null;
    const hardness = (n) => { const w = find(mine[0], n); return w && known(w.metrics.auc.value) ? w.metrics.auc.value : 2; };
    if (kind !== 'level') names.sort((a, b) => hardness(a) - hardness(b));
    const all = mine.flatMap((r) => r.rows.filter((w) => w.kind === kind)), from = lowest(all), more = (mine[0].more || {})[kind];
    const rows = names.flatMap((n) => mine.map((r, i) => {
        const w = find(r, n);
        return w ? [i === 0 ? el('th', {scope: 'row'}, name(n), several && mine.length > 1 ? [el('br'), el('span', {class: 'soft'}, label(r.detector))] : null) : el('th', {scope: 'row'}, el('span', {class: 'hidden'}, n + ', '), el('span', {class: 'soft'}, label(r.detector))),
            stacked(w.metrics.auc), el('td', {class: 'plot'}, whisker(w.metrics.auc, from, 1, 0.5, styleOf(r.detector))), stacked(w.metrics.eer), stacked(w.metrics['tpr@fpr=0.01']), stacked(w.metrics.accuracy), count(w.reals), count(w.fakes)] : null;
    })).filter(Boolean);
    const [title, column, caption] = KINDS[kind];
    return [el('h3', {}, title), table(title, [column, '#AUC', '~plot', '#EER', '#TPR at 1 % FPR', '#accuracy', '#reals', '#fakes'], rows, {quiet: true, ...aucHead(from)}),
        el('p', {class: 'soft'}, caption, ' Good: short whiskers far to the right; the dashed line is guessing. ', doubts(all).join(' '), more ? ` ${count(more)} more are in metrics.json.` : '')];
}
function methods() {
    const parts = Object.keys(KINDS).map(breakdown).filter(Boolean);
    return parts.length ? section('methods', 'Breakdown', ...parts) : null;
}

// Robustness. ------------------------------------------------------------------------------------------------------------------------------------------
function robustness() {
    const mine = data.robustness.filter((r) => r.set === state.set && shown().includes(r.detector)).sort((a, b) => (b.detector === state.detector) - (a.detector === state.detector));
    if (!mine.length) return null;
    const cell = (s) => {
        const auc = s.auc.value, depth = known(auc) ? Math.max(0, Math.min(1, (auc - 0.5) / 0.5)) : 0;
        return el('td', {class: 'field', style: `--depth: ${depth.toFixed(3)}`}, el('span', {}, s.text || short(s.value)), el('b', {}, value(s.auc)),
            el('small', {}, known(s.auc.low) ? `[${fixed(s.auc.low, digits(s.auc))}, ${fixed(s.auc.high, digits(s.auc))}]` : ''));
    };
    return section('robustness', 'Robustness', el('p', {}, 'The same pictures, changed before the detector’s own preprocessing, from mild to severe. In each field: the strength, the AUC, its 95 % interval. Deep colour is good; the colour of the paper is guessing. Good keeps its colour to the right.'),
        mine.map((r) => {
            const most = Math.max(...r.perturbations.map((p) => p.strengths.length)), columns = Array.from({length: most}, (_, i) => (i === 0 ? 'mildest' : i === most - 1 ? 'most severe' : String(i + 1)));
            return [several ? el('h3', {}, label(r.detector)) : null,
                el('p', {}, 'Unchanged: AUC ', el('b', {class: 'number'}, interval(r.clean)), '. Mean relative loss of AUC over all fields: ', el('b', {class: 'number'}, r.mean_relative_loss && known(r.mean_relative_loss.value) ? percent(r.mean_relative_loss.value, 1) + (known(r.mean_relative_loss.low) ? ` [${percent(r.mean_relative_loss.low, 1)}, ${percent(r.mean_relative_loss.high, 1)}]` : '') : '–'), '.'),
                table(`AUC of ${data.detectors[r.detector].name} on changed pictures`, ['Change', ...columns], r.perturbations.map((p) => [el('th', {scope: 'row'}, p.name.replace(/_/g, ' '), el('small', {}, p.parameter)), ...p.strengths.map(cell)]), {quiet: true, class: 'heat'})];
        }),
        folded('What was changed with', table('Libraries', ['Change', 'parameter', 'by'], mine[0].perturbations.map((p) => [p.name.replace(/_/g, ' '), p.parameter, p.library]), {quiet: true})));
}

// The colour of a field is between the paper's and the heat's; its text is black or white, whichever is easier to read.
function paint() {
    const rgb = (c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)), light = (v) => (v <= 0.03928 * 255 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const paper = rgb(colour('--paper')), heat = rgb(colour('--heat'));
    for (const field of document.querySelectorAll('.field')) {
        const depth = 0.06 + 0.94 * field.style.getPropertyValue('--depth'), mix = paper.map((v, i) => Math.round(v + (heat[i] - v) * depth)), [r, g, b] = mix.map(light);
        field.style.background = `rgb(${mix})`;
        field.style.color = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
    }
}
theme.changed.push(paint);

// Mistakes. --------------------------------------------------------------------------------------------------------------------------------------------
// The end of a long path is what tells pictures apart.
const brief = (path) => (path.length > 30 ? '…/' + path.split('/').slice(-1)[0] : path);
function mistakes() {
    const r = result(state.detector), list = r.mistakes || [], pictures = list.some((m) => m.picture), maps = list.some((m) => m.map);
    const gallery = (title, chosen, none) => [el('h3', {}, title), chosen.length ? el('ul', {class: 'gallery'}, chosen.map((m) => el('li', {},
        m.picture ? el('div', {class: 'both'}, el('img', {src: m.picture, alt: `${m.fake ? 'Fake' : 'Real'} picture ${m.path}`}), m.map ? el('img', {src: m.map, alt: 'Where the detector looked'}) : null) : null,
        el('small', {title: m.path}, el('b', {}, m.score >= 0 && m.score <= 1 ? fixed(m.score, 3) : short(m.score)), ' ', m.method ? [name(m.method), el('br')] : null, name(brief(m.path)))))) : el('p', {}, none)];
    const real = list.filter((m) => !m.fake), fake = list.filter((m) => m.fake);
    return section('mistakes', 'The most confident mistakes', el('p', {}, 'Those of ', name(data.detectors[state.detector].name), known(r.threshold.value) ? ` at its threshold ${short(r.threshold.value)}, with their scores. ` : ': there is no threshold, so these are the reals that it rates highest and the fakes that it rates lowest. ',
        pictures || !list.length ? '' : 'The scores came from a file: there are no pictures to show. ',
        maps ? `Below each: where the detector looked (${{gradcam: 'Grad-CAM', occlusion: 'occlusion'}[r.map] || r.map}); orange speaks for a fake, blue for a real.` : '', ' Look for what they have in common: a source, a pose, a coding.'),
        gallery('Reals that it takes for fakes', real, 'None.'), gallery('Fakes that it takes for reals', fake, 'None.'));
}

// Cards and how to do it again. ------------------------------------------------------------------------------------------------------------------------
const readable = (k) => k.replace(/_/g, ' ');
function told(v) {
    if (v === null || v === undefined || v === '') return '–';
    if (typeof v === 'boolean') return v ? 'yes' : 'no';
    if (typeof v === 'number') return Number.isInteger(v) ? count(v) : short(v);
    if (typeof v === 'string') return v.includes('\n') ? el('details', {}, el('summary', {}, `${v.trim().split('\n').length} lines`), el('pre', {tabindex: 0}, v)) : name(v);
    if (Array.isArray(v) && v.some((x) => typeof x === 'string' && x.length > 40)) return el('ul', {class: 'plain'}, v.map((x) => el('li', {}, told(x))));
    if (Array.isArray(v)) return v.every((x) => typeof x !== 'object') ? (v.length ? v.map((x, i) => [i ? ', ' : '', told(x)]).flat() : '–') : el('div', {}, v.map((x) => el('div', {}, told(x))));
    return list(v, true);
}
function list(v, inner) { // a long one inside another is folded
    const entries = Object.entries(v), dl = el('dl', {}, entries.map(([k, x]) => [el('dt', {}, readable(k)), el('dd', {}, told(x))]));
    return inner && entries.length > 8 ? folded(`${entries.length} values`, dl) : dl;
}
function cards() {
    const mine = shown();
    return section('detector', mine.length > 1 ? 'The detectors' : 'The detector', mine.map((d) => [mine.length > 1 ? el('h3', {}, label(d)) : null,
        Object.keys(data.detectors[d].card || {}).length ? list(data.detectors[d].card) : el('p', {}, 'Scores from a file: what made them is not known.')]),
        el('p', {class: 'soft'}, 'A score is no proof. It says how a picture looks to something that learnt from the sources named here; on other sources it can be wrong, and only an evaluation there tells how wrong.'));
}
function reproduce() {
    return section('reproduce', 'Do it again', el('pre', {tabindex: 0}, data.command), el('dl', {},
        el('dt', {}, 'Foil'), el('dd', {}, data.foil), el('dt', {}, 'bootstrap'), el('dd', {}, `${count(data.draws)} draws, seed ${data.seed}; equal at any number of threads`),
        data.sets.map((s) => [el('dt', {}, name(s.name)), el('dd', {}, [s.split ? `split ${s.split}` : null, many(s.pictures, 'picture'), s.frames ? `at most ${count(s.frames)} of a clip` : null, s.rule ? `a clip’s score: ${s.rule} of its pictures’` : null, reals(s.reals), fakes(s.fakes)].filter(Boolean).join(', '),
            s.fingerprint ? [el('br'), el('code', {}, s.fingerprint)] : null)])));
}

function render() {
    head();
    put('main', summary(), section('ranking', 'Ranking', el('div', {class: 'pair'}, roc(), det())), scores(), methods(), robustness(), mistakes(), cards(), reproduce());
    fillChapters();
    paint();
}
render();
put('foot', 'Everything on this page is in the file itself; it loads nothing from anywhere. Metrics by name: docs/eval.md of Foil.');
