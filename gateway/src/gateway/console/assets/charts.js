// The two charts over time, by uPlot; colours are those of the page's theme, and follow it when it changes.

import { duration, rate } from "./figures.js";

const HEIGHT = 220;
const KEPT_SECONDS = 300;

export class Charts {
  constructor(traffic, times) {
    this.points = [];
    this.places = [traffic, times];
    this.charts = [];
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.draw = this.draw.bind(this);
    this.dark.addEventListener("change", this.draw);
    this.resized = new ResizeObserver(() => this.charts.forEach((chart, index) =>
      chart.setSize({ width: this.places[index].clientWidth, height: HEIGHT })));
    this.places.forEach((place) => this.resized.observe(place));
    this.draw();
  }

  close() {
    this.dark.removeEventListener("change", this.draw);
    this.resized.disconnect();
    this.charts.forEach((chart) => chart.destroy());
  }

  // Points as the server tells them; those that are here already are left out.
  add(points) {
    const last = this.points.at(-1)?.at ?? 0;
    this.points.push(...points.filter((point) => point.at > last));
    const newest = this.points.at(-1)?.at ?? 0;
    this.points = this.points.filter((point) => point.at > newest - KEPT_SECONDS);
    this.charts[0].setData(this.series(["ok", "client_errors", "server_errors"]));
    this.charts[1].setData(this.series(["p50", "p99"]));
  }

  // Where nobody watched for a while there is a gap, not a line.
  series(names) {
    const columns = [[], ...names.map(() => [])];
    let before = null;
    for (const point of this.points) {
      if (before !== null && point.at - before > 15) {
        columns[0].push((point.at + before) / 2);
        names.forEach((_, index) => columns[index + 1].push(null));
      }
      columns[0].push(point.at);
      names.forEach((name, index) => columns[index + 1].push(point[name]));
      before = point.at;
    }
    return columns;
  }

  draw() {
    this.charts.forEach((chart) => chart.destroy());
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: "12px system-ui" };
    const options = (series, values) => ({
      width: this.places[0].clientWidth || 500, height: HEIGHT,
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      // Never a scale of nothing: a flat line at 0 stands at the bottom.
      scales: { y: { range: (_, __, most) => [0, Math.max(most || 0, values === rate ? 1 : 0.005) * 1.1] } },
      axes: [
        { ...axis, values: "{HH}:{mm}:{ss}", space: 90 },
        { ...axis, size: 62, values: (_, ticks) => ticks.map(values) },
      ],
      series: [{ label: "Time", value: "{HH}:{mm}:{ss}" }, ...series.map((one) => ({ width: 2, points: { show: false }, value: (_, value) => values(value), ...one }))],
    });
    const wash = (name) => `color-mix(in srgb, ${colour(name)} 14%, transparent)`;
    const traffic = options([
      { label: "Answered", stroke: colour("accent"), fill: wash("accent") },
      { label: "4xx", stroke: colour("warn"), dash: [6, 3] },
      { label: "5xx", stroke: colour("bad"), dash: [2, 2] },
    ], rate);
    const times = options([
      { label: "p50", stroke: colour("blue") },
      { label: "p99", stroke: colour("violet"), dash: [6, 3] },
    ], duration);
    this.charts = [
      new uPlot(traffic, this.series(["ok", "client_errors", "server_errors"]), this.places[0]),
      new uPlot(times, this.series(["p50", "p99"]), this.places[1]),
    ];
  }
}
