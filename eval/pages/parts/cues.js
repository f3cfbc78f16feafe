// Cues of pictures. data: {foil, command, caution, files: [as eval/cues/report.h]}.
function plot(markup) { // drawn by Foil, with no text from outside in it
    if (!markup) return null;
    const holder = el('div', {class: 'chart'});
    holder.innerHTML = markup;
    const drawing = holder.firstElementChild;
    drawing.setAttribute('width', '100%');
    drawing.removeAttribute('height');
    drawing.style.maxWidth = '34rem';
    return holder;
}
function cue(c) {
    const rows = c.numbers.map((n) => [n.name, n.value === null ? 'none' : `${short(n.value)} ${n.unit}`, n.about]);
    return el('div', {}, el('h3', {}, c.name), el('p', {}, c.words),
        el('div', {class: 'pair'}, plot(c.plot), table(`${c.about} (${c.source})`, ['number', 'value', 'what it is'], rows)));
}
const title = data.files.length === 1 ? data.files[0].path : many(data.files.length, 'picture');
document.title = 'Cues: ' + title;
put('head', el('p', {class: 'eyebrow'}, `Foil ${data.foil}`, theme.button()), el('h1', {}, 'Cues: ', name(title)), el('p', {class: 'warning'}, data.caution));
put('main', data.files.map((f, i) => section('file' + i, f.path,
    el('p', {class: 'soft'}, `${f.width} × ${f.height}, ${f.channels === 1 ? 'grey' : 'RGB'}`),
    el('img', {src: f.picture, alt: 'The picture, made smaller'}), f.cues.map(cue))));
fillChapters();
put('foot', el('p', {}, 'Made with: ', el('code', {}, data.command)), 'Everything on this page is in the file itself; it loads nothing from anywhere.');
