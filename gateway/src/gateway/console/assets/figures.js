// Numbers as people read them.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function rate(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.05) return "<0.1";
  return value >= 100 ? whole.format(value) : plain.format(value);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds >= 10) return `${whole.format(seconds)} s`;
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  const milliseconds = seconds * 1000;
  return milliseconds >= 100 ? `${whole.format(milliseconds)} ms` : `${plain.format(milliseconds)} ms`;
}

export function number(value) {
  return value === null || value === undefined ? "–" : plain.format(value);
}

export function percent(part) {
  if (!part) return "0 %";
  return part < 0.001 ? "<0.1 %" : `${plain.format(part * 100)} %`;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}
