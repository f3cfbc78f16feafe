// A training run. data: {foil, run: {name, state: running|finished|stopped, message, step, steps, refresh}, metric, lower_is_better, every,
// series: [{name, x, y}], samples: [{step, picture}], grids, config}. Every `every`-th line of the log; `grids` were made, some of them are here.
const run = data.run;
const all = new Map(data.series.map((s) => [s.name, s]));
const memory = {
    get(key) { try { return sessionStorage.getItem('foil-' + key); } catch (e) { return null; } },
    set(key, to) { try { sessionStorage.setItem('foil-' + key, to); } catch (e) { /* then a reload forgets */ } },
};

// The mean over a window that grows with the curve: what the eye looks for in a noisy one.
function smooth(y) {
    const half = Math.floor(y.length / 80), sums = [0], counts = [0];
    if (half < 1) return y;
    y.forEach((v, i) => { sums.push(sums[i] + (known(v) ? v : 0)); counts.push(counts[i] + known(v)); });
    return y.map((v, i) => {
        const a = Math.max(0, i - half), b = Math.min(y.length, i + half + 1), n = counts[b] - counts[a];
        return n ? (sums[b] - sums[a]) / n : null;
    });
}
function lines(entries, smoothed) {
    return entries.flatMap(([key, words], i) => {
        const s = all.get(key);
        if (!s || !s.x.length) return [];
        const y = smoothed ? smooth(s.y) : s.y, drawn = {name: words, x: s.x, y, ...style(i), points: s.x.length < 60};
        return y === s.y ? [drawn] : [{...drawn, y: s.y, faint: true, dash: [], points: false}, drawn];
    });
}
const NOISY = 'Pale: the values themselves; strong: their moving mean.';
// A figure of those of `entries` ([name in the log, words]) that the run has; null if it has none.
function curve(title, label, y, entries, caption, smoothed) {
    const series = lines(entries, smoothed);
    if (!series.length) return null;
    const shown = entries.filter(([key]) => all.has(key)), steps = all.get(shown[0][0]).x;
    const every = Math.max(1, Math.ceil(steps.length / 100));
    const rows = steps.filter((x, i) => i % every === 0 || i === steps.length - 1)
        .map((x) => [count(x), ...shown.map(([key]) => short(all.get(key).y[all.get(key).x.indexOf(x)]))]);
    return figure(title, curves({label, height: 260, x: {label: 'step', read: count}, y: {label: y.label, log: y.log}, series}), series.some((s) => s.faint) ? `${caption} ${NOISY}` : caption,
        folded('Values as a table', table(title, ['#step', ...shown.map(([, words]) => '#' + words)], rows, {long: true, quiet: true})));
}

// Where the run is. ------------------------------------------------------------------------------------------------------------------------------------
const lastOf = (key) => { const s = all.get(key); return s && s.y.length ? s.y[s.y.length - 1] : null; };
const bestKey = 'best/' + data.metric.split('/').pop();
const words = (metric) => metric.split('/').pop().replace(/_/g, ' ').replace(/^(auc|ap|eer|ece|f1|mcc)\b/, (m) => m.toUpperCase());
function verdict() {
    const best = lastOf('best/step'), at = `step ${count(run.step)} of ${count(run.steps)}`;
    const state = {running: `Training, at ${at}.`, finished: `Finished after ${many(run.step, 'step')}.`, stopped: `Stopped at ${at}.`}[run.state];
    if (best === null) return [state, ' ', all.has('logit/real') ? 'Nothing is validated in this run: watch the samples.' : 'Nothing has been validated yet.'];
    return [state, ' The best detector so far has a validation ', words(data.metric), ' of ', el('strong', {}, fixed(lastOf(bestKey), 3)), ` (step ${count(best)})`,
        run.step > best ? `; the last one is at ${fixed(lastOf(data.metric), 3)}.` : '.'];
}
function follow() {
    if (run.state !== 'running') return null;
    const box = el('input', {type: 'checkbox', checked: memory.get('follow') !== 'no', onchange: () => memory.set('follow', box.checked ? 'yes' : 'no')});
    setInterval(() => { if (box.checked && document.visibilityState === 'visible' && !document.getSelection().toString()) location.reload(); }, 1000 * run.refresh);
    return el('label', {class: 'screen'}, box, ` Load this page again every ${run.refresh} seconds`);
}
document.title = `${run.name || 'run'}: training, ${run.state}`;
put('head', el('p', {class: 'eyebrow'}, `Foil ${data.foil} · training run`, theme.button()),
    el('h1', {}, name(run.name || 'A run without a name')), el('p', {class: 'verdict'}, verdict()),
    run.message ? el('p', {class: 'warning'}, run.message) : null,
    el('progress', {value: run.step, max: Math.max(1, run.steps), 'aria-label': 'Steps done'}),
    el('p', {class: 'soft'}, `Written ${new Date(document.lastModified).toLocaleString('sv')}. `, follow()));

// Figures. ---------------------------------------------------------------------------------------------------------------------------------------------
function validation() {
    const names = [...all.keys()].filter((k) => k.includes('/') && !/^(loss|logit|gradient|lr|best)\//.test(k));
    if (!names.length) return el('p', {}, 'No evaluation yet: the first comes with evaluate.every.');
    const place = el('div', {}), main = [data.metric].filter((k) => all.has(k));
    const show = (key) => place.replaceChildren(curve(`${words(key)} on the split “${key.split('/')[0]}”`, `${words(key)} over the steps.`, {label: words(key)}, key === data.metric ? [[key, 'of that step'], [bestKey, 'best so far']] : [[key, words(key)]],
        key === data.metric ? `What chooses best.safetensors. ${data.lower_is_better ? 'Lower' : 'Higher'} is better. Good is a curve that rises and stays; one that falls again while the losses go on sinking is over-fitting${game ? ', unless its fakes got harder: those that forgers make are of that step, for both detectors' : ''}. It is no measure of what the detector does on new sources: foil eval on the test split is.`.replace('rises', data.lower_is_better ? 'falls' : 'rises').replace('falls again', data.lower_is_better ? 'rises again' : 'falls again')
            : 'Not what chooses the detector, but worth a look: metrics that disagree tell of scores that rank well and mean little, or the reverse.'));
    const chosen = names.includes(memory.get('metric')) ? memory.get('metric') : main[0] || names[0];
    const choice = el('select', {onchange: () => { memory.set('metric', choice.value); show(choice.value); }}, names.map((k) => el('option', {value: k, selected: k === chosen}, words(k))));
    show(chosen);
    return [el('label', {class: 'screen'}, 'Metric ', choice), place];
}
function samples() {
    const n = data.samples.length;
    if (!n) return el('p', {}, all.has('loss/g') ? 'No grid of samples yet: the first comes with log.samples.' : 'This run has no generator, hence no samples.');
    const before = data.samples.findIndex((s) => String(s.step) === memory.get('sample'));
    const picture = el('img', {}), says = el('output', {class: 'number'});
    const slider = el('input', {type: 'range', id: 'step', min: 0, max: n - 1, step: 1, value: before >= 0 ? before : n - 1, oninput: () => show()});
    function show() {
        const s = data.samples[slider.value];
        picture.src = s.picture;
        picture.alt = `Samples of the generator at step ${count(s.step)}`;
        says.textContent = `step ${count(s.step)}`;
        slider.setAttribute('aria-valuetext', says.textContent);
        memory.set('sample', Number(slider.value) === n - 1 ? '' : s.step);
    }
    show();
    return figure(null, el('div', {class: 'samples'}, picture, el('div', {class: 'slide'}, el('label', {for: 'step'}, 'Time'), slider, says)),
        `The same latent vectors each time, so that one place shows one fake as it grows. Good: more and more like the real pictures, and all different; many alike are a collapse.` +
        (data.grids > n ? ` ${n} of ${count(data.grids)} grids; all are in samples/.` : ''));
}
const game = all.has('loss/g');
put('main',
    section('validation', 'Validation', validation()),
    game ? section('samples', 'Samples', samples()) : null,
    section('training', 'Training', el('p', {class: 'soft'}, 'The horizontal axis is the step of the run; drag over a part of a plot to see it larger, double-click to go back.', data.every > 1 ? ` Every ${count(data.every)}th line of the log is drawn.` : ''),
        el('div', {class: 'pair'},
            curve('Losses', 'Losses over the steps.', {label: 'loss'}, [['loss/d', 'discriminator'], ['loss/g', 'generator'], ['loss/penalty', 'penalty'], ['loss/detect', 'detect head']],
                game ? 'In a game no loss goes to zero: a discriminator’s that does has won too early, and the generator learns nothing more. The detect head’s may sink.'
                    : 'It sinks, then levels off.', true),
            curve('What the discriminator says', 'Mean logits of real pictures and of fakes over the steps.', {label: 'mean logit'}, [['logit/real', 'E[D(real)]'], ['logit/fake', 'E[D(fake)]']],
                'Apart, and neither running away: a growing gap means that the discriminator wins, two equal curves that it cannot tell any more.', true),
            curve('Gradient norms', 'Norms of the gradients over the steps, on a logarithmic axis.', {label: 'norm (log)', log: true}, [['gradient/d', 'discriminator'], ['gradient/g', 'generator']],
                'Before clipping. Good is a steady level; spikes come before a divergence, a steady fall of the generator’s means that nothing reaches it.', true),
            curve('Learning rates', 'Learning rates over the steps.', {label: 'learning rate'}, [['lr/d', 'discriminator'], ['lr/g', 'generator']], 'As the schedule of the optimizer says.'))),
    section('speed', 'Speed', el('div', {class: 'pair'},
        curve('Real pictures per second', 'Real pictures per second over the steps.', {label: 'pictures/s'}, [['images_per_second', 'pictures/s']], 'Good is a level line. A fall: other work on the machine, or a disk that cannot follow.'),
        curve('Time spent waiting for data', 'Share of the time spent waiting for data.', {label: 'share'}, [['waited', 'waiting']], 'Near zero: the loader keeps up. More: give it threads (data.threads) or a faster disk.'))),
    section('settings', 'Settings', el('p', {}, 'All of them, with every default written out: config.yaml of the run.'), el('pre', {tabindex: 0}, data.config)));
fillChapters();
put('foot', 'Everything on this page is in the file itself; it loads nothing from anywhere.');
