// Says durations as django_celery_monitor/reading/words.py does, in the page's language.

const source = document.getElementById("words")?.textContent ?? "{}";
const words: Record<string, string> = JSON.parse(source);
const language = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

export function say(template: string, values: Record<string, string | number> = {}): string {
  const text = words[template] ?? template;
  return text.replace(/%\((\w+)\)s/g, (_match, name: string) => String(values[name] ?? ""));
}

export function duration(seconds: number): string {
  if (seconds < 0.9995) return say("%(n)s ms", { n: level(Math.max(seconds, 0) * 1000) });
  if (seconds < 59.95) return say("%(n)s s", { n: level(seconds) });
  const total = Math.round(seconds);
  const [minutes, s] = [Math.floor(total / 60), total % 60];
  const [hours, m] = [Math.floor(minutes / 60), minutes % 60];
  const [days, h] = [Math.floor(hours / 24), hours % 24];
  if (!hours) return say(s ? "%(m)s min %(s)s s" : "%(m)s min", { m: minutes, s });
  if (!days) return say(m ? "%(h)s h %(m)s min" : "%(h)s h", { h: hours, m });
  return say(h ? "%(d)s d %(h)s h" : "%(d)s d", { d: whole.format(days), h });
}

export function age(seconds: number): string {
  const past = Math.max(seconds, 0);
  if (past < 60) return say("%(n)s s ago", { n: Math.floor(past) });
  if (past < 3600) return say("%(n)s min ago", { n: Math.floor(past / 60) });
  if (past < 2 * 86400) return say("%(n)s h ago", { n: Math.floor(past / 3600) });
  return say("%(n)s d ago", { n: whole.format(Math.floor(past / 86400)) });
}

/** What is measured, with three digits at most. */
export function level(value: number): string {
  for (const [places, below] of [[2, 9.995], [1, 99.95]] as const) {
    const rounded = Number(value.toFixed(places));
    if (value < below && rounded % 1) {
      const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
      return new Intl.NumberFormat(language, digits).format(rounded);
    }
  }
  return whole.format(value);
}
