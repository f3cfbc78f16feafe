'use strict';
// Elements, words and numbers. Texts reach the page as text alone, never as HTML.
const data = JSON.parse(document.getElementById('data').textContent);

function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
        if (value === null || value === undefined || value === false) continue;
        if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
        else node.setAttribute(key, value === true ? '' : value);
    }
    node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
    return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
function put(id, ...children) {
    const node = document.getElementById(id);
    node.replaceChildren();
    return fill(node, {}, children);
}
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Numbers. As many digits as an interval bears: no more than its own width says something about, and few where it is missing.
const known = (x) => typeof x === 'number';
function digits(v) {
    if (v.low === null) return 2;
    const width = known(v.low) && known(v.high) ? v.high - v.low : 0;
    return width >= 0.02 ? 2 : width >= 0.002 || width === 0 ? 3 : 4;
}
const fixed = (x, n) => (known(x) ? x.toFixed(n).replace('-', '−') : '–');
const value = (v) => (v && known(v.value) ? fixed(v.value, digits(v)) : '–');
function interval(v) {
    if (!v || !known(v.value)) return '–';
    const n = digits(v);
    return known(v.low) && known(v.high) ? `${fixed(v.value, n)} [${fixed(v.low, n)}, ${fixed(v.high, n)}]` : fixed(v.value, n);
}
function stacked(v) { // for narrow columns
    const [one, rest] = interval(v).split(' [');
    return rest ? [one, ' ', el('small', {}, '[' + rest)] : one;
}
const count = (n) => (known(n) ? n.toLocaleString('en') : '–');
const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more || one + 's'}`;
const percent = (x, n = 0) => (known(x) ? `${fixed(100 * x, n)} %` : '–');
function short(x) { // for axes and read-outs of any magnitude
    if (!known(x)) return '–';
    const size = Math.abs(x);
    if (x !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(1).replace('e+', 'e').replace(/-/g, '−').replace('.0e', 'e');
    return String(+x.toPrecision(4)).replace('-', '−');
}

// Parts of a page.
const name = (s) => el('bdi', {}, s);
const chapters = [];
function section(id, title, ...children) {
    chapters.push([id, title]);
    return el('section', {id, 'aria-labelledby': id + '-title'}, el('h2', {id: id + '-title'}, title), ...children);
}
function fillChapters() {
    put('sections', el('ul', {}, chapters.map(([id, title]) => el('li', {}, el('a', {href: '#' + id}, title)))));
    chapters.length = 0;
}
// columns: names; a leading '#' makes a column of numbers, '~' one of plots. Rows: lists of cells, the first of which heads the row.
function table(title, columns, rows, options = {}) {
    const number = columns.map((c) => ({'#': 'number', '~': 'plot'}[c[0]]));
    const cell = (c, i) => (c instanceof Element && /^T[HD]$/i.test(c.tagName) ? c
        : i === 0 ? el('th', {scope: 'row', class: number[i]}, c) : el('td', {class: number[i]}, c));
    return el('div', {class: 'table' + (options.long ? ' long' : ''), tabindex: options.long ? 0 : null, role: options.long ? 'region' : null, 'aria-label': options.long ? title : null},
        el('table', {class: options.class}, el('caption', {class: options.quiet ? 'hidden' : null}, title),
            el('thead', {}, el('tr', {}, columns.map((c, i) => el('th', {scope: 'col', class: number[i]}, options.heads && options.heads[i] ? options.heads[i] : c.replace(/^[#~]/, ''))))),
            el('tbody', {}, rows.map((r) => el('tr', {class: r.class}, (r.cells || r).map(cell))))));
}
const folded = (title, ...children) => el('details', {}, el('summary', {}, title), ...children);
function figure(title, content, caption, ...more) {
    return el('figure', {}, title && el('h3', {}, title), content, el('figcaption', {}, caption), ...more);
}

// Light and dark: the system's choice until the reader chooses; on paper (charts.js) always light.
const theme = {
    dark: matchMedia('(prefers-color-scheme: dark)'),
    chosen: null,
    changed: [],
    now() { return this.chosen || (this.dark.matches ? 'dark' : 'light'); },
    show(as) {
        document.documentElement.dataset.theme = as;
        this.changed.forEach((f) => f());
    },
    choose(as) {
        this.chosen = as;
        try { localStorage.setItem('foil-theme', as); } catch (e) { /* not everywhere does a local file have one */ }
        this.show(as);
    },
    button() {
        const words = () => (this.now() === 'dark' ? 'Light' : 'Dark');
        const button = el('button', {type: 'button', class: 'screen', 'aria-label': 'Switch between light and dark',
            onclick: () => this.choose(this.now() === 'dark' ? 'light' : 'dark')}, words());
        this.changed.push(() => { button.textContent = words(); });
        return button;
    },
};
try { theme.chosen = localStorage.getItem('foil-theme'); } catch (e) { /* as above */ }
theme.show(theme.now());
theme.dark.addEventListener('change', () => theme.show(theme.now()));
