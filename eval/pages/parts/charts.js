// Plots that are drawn again when the width or the theme changes. Curves are uPlot's; the rest is SVG.
const plots = new Set();
const widths = new ResizeObserver((entries) => entries.forEach((e) => e.target.redraw && e.target.redraw()));
function redrawAll() {
    for (const p of plots) {
        if (p.isConnected) p.redraw(true);
        else { plots.delete(p); widths.unobserve(p); }
    }
}
theme.changed.push(redrawAll);
for (const event of ['beforeprint', 'afterprint'])
    addEventListener(event, () => {
        printing = event === 'beforeprint';
        theme.show(printing ? 'light' : theme.now());
    });

// A place that `draw(width)` fills: again whenever that is another one. What the width will be on paper no browser tells beforehand: that of A4, in CSS pixels.
let printing = false;
function plot(attributes, draw) {
    const place = el('div', {class: 'chart', ...attributes});
    let last = 0;
    place.redraw = (anyway) => {
        const width = printing ? (place.closest('.pair') ? 320 : 660) : Math.floor(place.clientWidth);
        if (!width || (width === last && !anyway)) return;
        last = width;
        draw(place, width);
    };
    plots.add(place);
    widths.observe(place);
    return place;
}

const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];
const style = (i) => ({colour: `--c${i % 6}`, dash: DASHES[i % DASHES.length]});
const key = (s) => svg('svg', {class: 'key', viewBox: '0 0 26 10', 'aria-hidden': 'true'},
    svg('line', {x1: 0, x2: 26, y1: 5, y2: 5, 'stroke-width': 2.5, 'stroke-dasharray': s.dash && s.dash.length ? s.dash.join(' ') : null, style: `stroke: var(${s.colour})`}));
const legend = (series) => el('ul', {class: 'legend'}, series.map((s) => el('li', {}, key(s), name(s.name))));

// Linear between points; null outside.
function at(xs, ys, x) {
    let low = 0, high = xs.length - 1;
    if (high < 0 || x < xs[0] || x > xs[high]) return null;
    while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (xs[middle] <= x) low = middle; else high = middle;
    }
    if (xs[low] === x || !known(ys[low])) return ys[low];
    if (xs[high] === x || !known(ys[high])) return ys[high];
    return ys[low] + (ys[high] - ys[low]) * (x - xs[low]) / (xs[high] - xs[low]);
}

// Curves: {label, height, x: {label, range, ticks: [[where, text], …], read}, y: {… , log}, series: [{name, x, y, low, high, colour, dash, faint}], line: [[x, y], [x, y]]}.
// `label` says in one sentence what is to be seen. Arrow keys move the cursor, whose values are read out below.
function curves(o) {
    const xs = [...new Set(o.series.flatMap((s) => s.x))].sort((a, b) => a - b);
    const on = (s, ys) => (s.x.length === xs.length ? ys : xs.map((x) => at(s.x, ys, x)));
    const columns = [xs], series = [{}], bands = [];
    for (const s of o.series) {
        if (s.low) {
            bands.push({series: [columns.length, columns.length + 1], source: s});
            columns.push(on(s, s.high), on(s, s.low));
            series.push({edge: true}, {edge: true});
        }
        s.column = columns.length;
        columns.push(on(s, s.y));
        series.push(s);
    }
    if (o.y.log) for (let c = 1; c < columns.length; c++) columns[c] = columns[c].map((y) => (y > 0 ? y : null));
    const out = el('output', {class: 'readout', 'aria-live': 'polite'});
    const read = (i) => `${o.x.label} ${(o.x.read || short)(xs[i])}: ` + o.series.filter((s) => !s.faint && known(columns[s.column][i]))
        .map((s) => `${s.name} ${(o.y.read || short)(columns[s.column][i])}`).join(' · ');
    const axis = (a, size, side) => ({
        label: a.label, labelFont: '12px system-ui, sans-serif', labelSize: 18, font: '12px system-ui, sans-serif', side, size, gap: 4,
        stroke: colour('--soft'), grid: {stroke: colour('--grid'), width: 1}, ticks: {stroke: colour('--grid'), width: 1, size: 4}, space: side === 2 ? 56 : 34,
        ...(a.ticks ? {splits: () => a.ticks.map((t) => t[0]), values: () => a.ticks.map((t) => t[1]), filter: (u, s) => s} : {values: (u, s) => s.map((v) => (known(v) ? short(v) : ''))}),
    });
    const scale = (a) => ({time: false, distr: a.log ? 3 : 1, ...(a.range ? {range: a.range} : {})});
    const guide = (u) => {
        if (!o.line) return;
        const p = o.line.map(([x, y]) => [u.valToPos(x, 'x', true), u.valToPos(y, 'y', true)]);
        u.ctx.save();
        u.ctx.strokeStyle = colour('--soft');
        u.ctx.lineWidth = devicePixelRatio;
        u.ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
        u.ctx.beginPath();
        u.ctx.moveTo(...p[0]);
        u.ctx.lineTo(...p[1]);
        u.ctx.stroke();
        u.ctx.restore();
    };
    let u = null;
    const place = plot({role: 'img', tabindex: 0, 'aria-label': `${o.label} Left and right read single values; the table below has them all.`,
        onkeydown: (event) => {
            const way = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -xs.length, End: xs.length}[event.key];
            if (!way || !u) return;
            event.preventDefault();
            const i = Math.max(0, Math.min(xs.length - 1, (u.cursor.idx === null || u.cursor.idx === undefined ? (way > 0 ? -1 : xs.length) : u.cursor.idx) + way));
            u.setCursor({left: u.valToPos(xs[i], 'x'), top: u.over.clientHeight / 2});
        }}, (where, width) => {
        if (u) u.destroy();
        u = new uPlot({
            width, height: o.height || 300, legend: {show: false}, scales: {x: scale(o.x), y: scale(o.y)}, padding: [10, 22, 0, 0],
            axes: [axis(o.x, 32, 2), axis(o.y, 48, 3)], cursor: {drag: {x: !o.x.range, y: false}, y: false},
            series: series.map((s, i) => (i === 0 ? {} : s.edge ? {stroke: 'transparent', width: 0, points: {show: false}, spanGaps: true}
                : {stroke: colour(s.colour), width: s.faint ? 1 : 2, alpha: s.faint ? 0.3 : 1, dash: s.dash && s.dash.length ? s.dash : undefined, points: {show: s.points || false}, spanGaps: true})),
            bands: bands.map((b) => ({series: b.series, fill: colour(b.source.colour) + '26'})),
            hooks: {drawAxes: [guide], setCursor: [(c) => { out.textContent = known(c.cursor.idx) && c.cursor.left >= 0 ? read(c.cursor.idx) : ''; }]},
        }, columns, where);
        u.over.setAttribute('aria-hidden', 'true');
    });
    return [place, o.series.length > 1 ? legend(o.series.filter((s) => !s.faint)) : null, out];
}

// An interval as a dot with whiskers on the scale [from, to]; `line` is a value to compare with.
function whisker(v, from, to, line, s) {
    const where = (x) => `${(100 * Math.max(0, Math.min(1, (x - from) / (to - from)))).toFixed(2)}%`;
    if (!v || !known(v.value)) return svg('svg', {class: 'whisker', 'aria-hidden': 'true'});
    const stroke = `stroke: var(${s.colour})`, low = known(v.low) ? v.low : v.value, high = known(v.high) ? v.high : v.value;
    return svg('svg', {class: 'whisker', 'aria-hidden': 'true'},
        svg('line', {x1: where(line), x2: where(line), y1: '0%', y2: '100%', 'stroke-dasharray': '3 3', style: 'stroke: var(--soft)'}),
        svg('line', {x1: where(low), x2: where(high), y1: '50%', y2: '50%', 'stroke-width': 2, style: stroke}),
        ...[low, high].map((x) => svg('line', {x1: where(x), x2: where(x), y1: '30%', y2: '70%', 'stroke-width': 2, style: stroke})),
        svg('circle', {cx: where(v.value), cy: '50%', r: 4, style: `fill: var(${s.colour})`}));
}
// Three to six multiples of 1, 2 or 5 times a power of ten.
function roundNumbers(from, to) {
    const least = (to - from) / 5, power = 10 ** Math.floor(Math.log10(least)), step = power * [1, 2, 5, 10].find((m) => m * power >= least), first = Math.ceil(from / step);
    return [0, 1, 2, 3, 4, 5].map((i) => (first + i) * step).filter((v) => v >= from && v <= to);
}
function whiskerScale(from, to, title) {
    const span = to - from, step = span > 0.4 ? 0.25 : span > 0.2 ? 0.1 : span > 0.1 ? 0.05 : 0.02, ticks = [];
    for (let t = Math.ceil(from / step - 1e-9) * step; t <= to + 1e-9; t += step) ticks.push(t);
    return el('span', {class: 'scale'}, el('span', {class: 'hidden'}, title),
        ticks.map((t) => el('span', {style: `left: ${100 * (t - from) / span}%`, 'aria-hidden': 'true'}, fixed(t, 2))));
}
