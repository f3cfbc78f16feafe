"""Lines over a few points as SVG: plot(path, title, points' names, {series: [(point, value)]}, …). Points stand at equal distances."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 340, 64, 150, 40, 48
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#7f7f7f", "#ff7f0e")


def nice_top(value):
    for top in (m * 10 ** e for e in range(-2, 7) for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)):
        if value <= top:
            return top
    return value


def plot(path, title, below, points, series, band=None, dashed=()):
    """`band`: two values between which the background is shaded; `dashed`: names of series that are drawn so."""
    top = nice_top(max([v for line in series.values() for _, v in line] + list(band or ())))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(point):
        return LEFT + 20 + (right - LEFT - 40) * points.index(point) / max(1, len(points) - 1)

    def y(value):
        return bottom - (bottom - TOP) * value / top

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', f'<text x="{LEFT}" y="22" font-size="14">{title}</text>',
           f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{below}</text>']
    if band:
        out.append(f'<rect x="{LEFT}" y="{y(band[1]):.1f}" width="{right - LEFT}" height="{y(band[0]) - y(band[1]):.1f}" fill="#eef3e6"/>')
    for i in range(6):
        v = top * i / 5
        out.append(f'<path d="M{LEFT} {y(v):.1f}H{right}" stroke="#ddd"/><text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:,.4g}</text>')
    out += [f'<text x="{x(p):.1f}" y="{bottom + 18}" text-anchor="middle">{p}</text>' for p in points]
    for i, (name, line) in enumerate(series.items()):
        colour, dash = COLOURS[i % len(COLOURS)], ' stroke-dasharray="5 4"' if name in dashed else ""
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dash} points="' + " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in line) + '"/>')
        out += [f'<circle cx="{x(p):.1f}" cy="{y(v):.1f}" r="3" fill="{colour}"/>' for p, v in line]
        out.append(f'<text x="{right + 12}" y="{TOP + 18 * i + 12}" fill="{colour}">{name}</text>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")
