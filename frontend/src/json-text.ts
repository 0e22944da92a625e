// JSON as people write it.

const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;

/** One value a line; numbers and texts stay as they were written. Null of what is no JSON. */
export function formatted(text: string): string | null {
  if (!text.trim()) return "";
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(TOKENS) ?? [];
  let [found, depth] = ["", 0];
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, place) => {
    const isEmpty = /[\]}]/.test(tokens[place + 1] ?? "") && /^[[{]$/.test(token);
    if (/^[\]}]$/.test(token) && !/^[[{]$/.test(tokens[place - 1] ?? "")) {
      depth -= 1;
      found += line();
    }
    found += token;
    if (/^[[{]$/.test(token) && !isEmpty) {
      depth += 1;
      found += line();
    } else if (token === ",") found += line();
    else if (token === ":") found += " ";
  });
  return found;
}

/** Where the first mistake is, as far as the browser tells. */
export function mistake(text: string): number | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const said = String(error);
    const place = /position (\d+)/.exec(said);
    if (place) return Number(place[1]);
    const [, line, column] = /line (\d+) column (\d+)/.exec(said) ?? [];
    if (!line) return null;
    const lines = text.split("\n").slice(0, Number(line) - 1);
    return lines.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1;
  }
}
