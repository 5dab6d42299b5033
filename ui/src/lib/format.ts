/** Numbers and times as people read them. Pure: "now" is an argument. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Octets with a binary unit and at most three digits: `0 B`, `1.5 KiB`, `120 MiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

const SPANS: [seconds: number, unit: string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** A duration by its two largest units: `3 d 4 h`, `12 min`, `0 s`. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [span, unit] of SPANS) {
    const count = Math.floor(rest / span);
    rest %= span;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

/** How far a time is from now: `just now`, `5 min ago`, `in 3 d`. */
export function relative(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  if (Number.isNaN(seconds)) return time;
  const distance = Math.abs(seconds);
  if (distance < 10) return "just now";
  const [span, unit] = SPANS.find(([span]) => distance >= span) ?? [1, "s"];
  const text = `${Math.floor(distance / span)} ${unit}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** Whole days from now until a time; negative when it is over. */
export function daysUntil(time: string, now: number): number {
  return Math.floor((Date.parse(time) - now) / 86_400_000);
}

/** Minutes and seconds of a countdown: `9:59`. */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** A time in the user's own zone and language. */
export function moment(time: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  return at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** A time of today by hour and minute alone; milliseconds since 1970. */
export function clock(at: number, now: number): string {
  const today = new Date(now).toDateString() === new Date(at).toDateString();
  const time = new Date(at);
  return today ? time.toLocaleTimeString(undefined, { timeStyle: "short" }) : moment(time.toISOString());
}

/** `1 tunnel`, `3 tunnels`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
