// What a reader chose and the server has to know to write the page.

const YEAR = 365 * 86400;

export function kept(name: string): string {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  return pairs.find(([each]) => each === name)?.[1] ?? "";
}

/** Nothing is what the server does by itself; then the page comes again. */
export function keep(name: string, value: string, root: string): void {
  document.cookie = `${name}=${value}; path=${root}; max-age=${value ? YEAR : 0}; samesite=lax`;
  location.reload();
}
