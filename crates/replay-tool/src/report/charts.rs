//! Drawings in SVG, each from the same figures as the table beside it. No script, no font, no picture from elsewhere.

use maud::{Markup, PreEscaped, html};

/// Colours that people with any colour vision tell apart (Okabe and Ito), dark enough for print.
const COLOURS: [&str; 9] =
    ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#8c7a00", "#666666", "#000000"];

/// The colour of the n-th series.
fn colour(n: usize) -> &'static str {
    COLOURS[n % COLOURS.len()]
}

const WIDTH: f64 = 760.0;

/// A drawing with its name for those who cannot see it.
fn drawing(name: &str, height: f64, inside: &Markup) -> Markup {
    html! {
        svg class="chart" role="img" viewBox=(format!("0 0 {WIDTH:.0} {height:.0}")) aria-label=(name) {
            title { (name) }
            (inside)
        }
    }
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> Markup {
    html! { text x=(point(x)) y=(point(y)) text-anchor=(anchor) { (words) } }
}

fn rect(x: f64, y: f64, width: f64, height: f64, fill: &str, title: &str) -> Markup {
    html! {
        rect x=(point(x)) y=(point(y)) width=(point(width.max(0.0))) height=(point(height.max(0.0))) fill=(fill) {
            title { (title) }
        }
    }
}

fn point(value: f64) -> String {
    format!("{value:.1}")
}

/// A share of a length; nothing where the whole is nothing.
fn share(part: i64, whole: i64, length: f64) -> f64 {
    // Pixels: what a rounding loses cannot be seen, and the table has the figure.
    if whole <= 0 { 0.0 } else { part.max(0) as f64 / whole as f64 * length }
}

/// A name and its parts, each with what it says when it is pointed at.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) parts: Vec<(i64, String)>,
    pub(super) total: String,
}

/// A part as it is drawn.
struct Piece<'b> {
    from: f64,
    length: f64,
    title: &'b str,
}

impl Bar {
    fn sum(&self) -> i64 {
        self.parts.iter().map(|(part, _)| (*part).max(0)).fold(0, i64::saturating_add)
    }

    /// The parts one behind the other, where `most` would fill the length.
    fn pieces(&self, most: i64, length: f64) -> Vec<Piece<'_>> {
        let mut from = 0.0;
        let mut pieces = Vec::with_capacity(self.parts.len());
        for (part, title) in &self.parts {
            let length = share(*part, most, length);
            pieces.push(Piece { from, length, title });
            from += length;
        }
        pieces
    }
}

/// Horizontal bars, their parts one behind the other, all to one scale.
pub(super) fn bars(name: &str, bars: &[Bar], series: &[&str]) -> Markup {
    const LEFT: f64 = 190.0;
    const RIGHT: f64 = 130.0;
    const STEP: f64 = 22.0;
    let most = bars.iter().map(Bar::sum).max().unwrap_or_default();
    let top = 4.0;
    let row = |(n, bar): (usize, &Bar)| {
        let y = top + n as f64 * STEP;
        let pieces = bar.pieces(most, WIDTH - LEFT - RIGHT);
        let end = LEFT + pieces.last().map_or(0.0, |piece| piece.from + piece.length);
        html! {
            (text(LEFT - 8.0, y + 14.0, "end", &bar.name))
            @for (n, piece) in pieces.iter().enumerate() {
                (rect(LEFT + piece.from, y + 2.0, piece.length, STEP - 6.0, colour(n), piece.title))
            }
            (text(end + 6.0, y + 14.0, "start", &bar.total))
        }
    };
    let rows: Vec<Markup> = bars.iter().enumerate().map(row).collect();
    let inside = html! { @for row in &rows { (row) } };
    let drawn = drawing(name, top + bars.len() as f64 * STEP + 4.0, &inside);
    html! { (legend(series, any_part(bars))) (drawn) }
}

/// What each colour means, as far as it is drawn; nothing for one series.
fn legend(series: &[&str], drawn: impl Fn(usize) -> bool) -> Markup {
    html! {
        @if series.len() > 1 {
            p.legend {
                @for (n, name) in series.iter().enumerate().filter(|(n, _)| drawn(*n)) {
                    span {
                        svg.key viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" {
                            rect width="10" height="10" fill=(colour(n)) {}
                        }
                        " " (name)
                    }
                }
            }
        }
    }
}

/// Whether a series has a part in any bar.
fn any_part(bars: &[Bar]) -> impl Fn(usize) -> bool + '_ {
    |n| bars.iter().any(|bar| bar.parts.get(n).is_some_and(|(part, _)| *part > 0))
}

/// Columns along the time or along classes, the parts of each one on the other. Names are shown as far as there is room.
pub(super) fn columns(name: &str, bars: &[Bar], series: &[&str]) -> Markup {
    const HEIGHT: f64 = 190.0;
    const LEFT: f64 = 8.0;
    const TOP: f64 = 18.0;
    let most = bars.iter().map(Bar::sum).max().unwrap_or_default();
    let step = (WIDTH - 2.0 * LEFT) / bars.len().max(1) as f64;
    // A name every so many columns.
    let longest = bars.iter().map(|bar| bar.name.chars().count().max(bar.total.chars().count())).max().unwrap_or(1);
    let every = ((longest as f64 * 6.2 + 4.0) / step).ceil().max(1.0) as usize;
    let column = |(n, bar): (usize, &Bar)| {
        let x = LEFT + n as f64 * step;
        let pieces = bar.pieces(most, HEIGHT);
        let end = pieces.last().map_or(0.0, |piece| piece.from + piece.length);
        html! {
            @for (n, piece) in pieces.iter().enumerate() {
                @let y = TOP + HEIGHT - piece.from - piece.length;
                (rect(x + step * 0.1, y, step * 0.8, piece.length, colour(n), piece.title))
            }
            @if n.is_multiple_of(every) {
                (text(x + step / 2.0, TOP + HEIGHT - end - 4.0, "middle", &bar.total))
                (text(x + step / 2.0, TOP + HEIGHT + 14.0, "middle", &bar.name))
            }
        }
    };
    let columns: Vec<Markup> = bars.iter().enumerate().map(column).collect();
    let inside = html! {
        line x1=(point(LEFT)) x2=(point(WIDTH - LEFT)) y1=(point(TOP + HEIGHT)) y2=(point(TOP + HEIGHT)) class="axis" {}
        @for column in &columns { (column) }
    };
    let drawn = drawing(name, TOP + HEIGHT + 22.0, &inside);
    html! { (legend(series, any_part(bars))) (drawn) }
}

/// Lines along the time, all to one scale, from zero.
pub(super) fn lines(name: &str, days: &[String], series: &[(&str, Vec<i64>)], most_label: &str) -> Markup {
    const HEIGHT: f64 = 200.0;
    const LEFT: f64 = 8.0;
    const TOP: f64 = 18.0;
    let most = series.iter().flat_map(|(_, values)| values).copied().max().unwrap_or_default();
    let step = (WIDTH - 2.0 * LEFT) / days.len().saturating_sub(1).max(1) as f64;
    let at = |(n, value): (usize, &i64)| {
        let y = TOP + HEIGHT - share(*value, most, HEIGHT);
        format!("{:.1},{y:.1}", LEFT + n as f64 * step)
    };
    let path = |values: &[i64]| values.iter().enumerate().map(at).collect::<Vec<_>>().join(" ");
    let names: Vec<&str> = series.iter().map(|(name, _)| *name).collect();
    let every = (70.0 / step).ceil().max(1.0) as usize;
    let inside = html! {
        line x1=(point(LEFT)) x2=(point(WIDTH - LEFT)) y1=(point(TOP + HEIGHT)) y2=(point(TOP + HEIGHT)) class="axis" {}
        line x1=(point(LEFT)) x2=(point(WIDTH - LEFT)) y1=(point(TOP)) y2=(point(TOP)) class="grid" {}
        (text(WIDTH - LEFT, TOP - 4.0, "end", most_label))
        @for (n, (name, values)) in series.iter().enumerate() {
            polyline points=(path(values)) fill="none" stroke=(colour(n)) stroke-width="2" { title { (name) } }
        }
        @for (n, day) in days.iter().enumerate().step_by(every) {
            @let anchor = if n == 0 { "start" } else if n + every >= days.len() { "end" } else { "middle" };
            (text(LEFT + n as f64 * step, TOP + HEIGHT + 14.0, anchor, day))
        }
    };
    let drawn = drawing(name, TOP + HEIGHT + 22.0, &inside);
    html! { (legend(&names, |_| true)) (drawn) }
}

/// One end of the flow of money.
pub(super) struct Target {
    /// Which of the sources it comes from.
    pub(super) source: usize,
    pub(super) name: String,
    pub(super) amount: i64,
    pub(super) label: String,
}

/// Ribbons from a few sources to where the money is, as wide as the amounts.
pub(super) fn flow(name: &str, sources: &[(String, String)], targets: &[Target]) -> Markup {
    const HEIGHT: f64 = 300.0;
    const GAP: f64 = 18.0;
    const FROM: f64 = 190.0;
    const TO: f64 = 430.0;
    let all = targets.iter().map(|target| target.amount.max(0)).fold(0, i64::saturating_add);
    let of = |source: usize| targets.iter().filter(move |target| target.source == source);
    let mut left = 10.0;
    let mut right = 10.0;
    let mut inside = String::new();
    for (n, (source, label)) in sources.iter().enumerate() {
        let begin = left;
        for target in of(n) {
            let height = share(target.amount, all, HEIGHT);
            let (middle, wide) = ((FROM + TO) / 2.0, height.max(0.5));
            let path = format!(
                "M{FROM} {left:.1} C{middle} {left:.1} {middle} {right:.1} {TO} {right:.1} V{:.1} C{middle} {:.1} {middle} {:.1} {FROM} {:.1} Z",
                right + wide,
                right + wide,
                left + wide,
                left + wide,
            );
            let ribbon = html! {
                @if target.amount > 0 { path d=(path) fill=(colour(n)) fill-opacity="0.35" { title { (target.name) ": " (target.label) } } }
                (rect(TO, right, 12.0, wide, colour(n), &target.name))
                (text(TO + 18.0, right + (height / 2.0).max(4.0) + 4.0, "start", &format!("{}: {}", target.name, target.label)))
            };
            inside.push_str(&ribbon.into_string());
            left += height;
            right += height.max(4.0) + GAP;
        }
        let node = html! {
            (rect(FROM - 12.0, begin, 12.0, (left - begin).max(0.5), colour(n), source))
            (text(FROM - 18.0, f64::midpoint(begin, left) + 2.0, "end", source))
            (text(FROM - 18.0, f64::midpoint(begin, left) + 16.0, "end", label))
        };
        inside.push_str(&node.into_string());
        left += GAP;
    }
    drawing(name, right.max(left) + 6.0, &PreEscaped(inside))
}

/// One tile of a map.
pub(super) struct Tile {
    pub(super) row: u16,
    pub(super) column: u16,
    pub(super) short: &'static str,
    pub(super) amount: i64,
    pub(super) label: String,
    pub(super) title: String,
}

/// Tiles on a grid, the darker the more.
pub(super) fn tiles(name: &str, tiles: &[Tile]) -> Markup {
    const SIDE: f64 = 52.0;
    let most = tiles.iter().map(|tile| tile.amount).max().unwrap_or_default();
    let rows = tiles.iter().map(|tile| tile.row).max().unwrap_or_default();
    let inside = html! {
        @for tile in tiles {
            @let (x, y) = (f64::from(tile.column) * SIDE + 8.0, f64::from(tile.row) * SIDE + 4.0);
            @let depth = share(tile.amount, most, 1.0);
            g {
                title { (tile.title) }
                rect x=(point(x)) y=(point(y)) width="48" height="48" rx="4" class="tile" fill="#0072b2" fill-opacity=(format!("{:.2}", 0.06 + 0.84 * depth)) {}
                @let ink = if depth > 0.55 { "light" } else { "dark" };
                text x=(point(x + 24.0)) y=(point(y + 21.0)) text-anchor="middle" class=(ink) { (tile.short) }
                text x=(point(x + 24.0)) y=(point(y + 36.0)) text-anchor="middle" class=(format!("small {ink}")) { (tile.label) }
            }
        }
    };
    drawing(name, f64::from(rows + 1) * SIDE + 8.0, &inside)
}
