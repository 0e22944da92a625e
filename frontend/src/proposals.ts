// The list under the search box: what fits the word that is being typed. Data is text, never markup.

export interface Proposal {
  insert: string;
  label: string;
  hint: string;
  count: string;
}

const DEBOUNCE = 120;

/** Where the word around `at` begins and ends; spaces inside quotes belong to it. */
export function wordAt(text: string, at: number): [start: number, end: number] {
  let start = 0;
  let quoted = false;
  for (let place = 0; place < text.length; place += 1) {
    if (text[place] === '"' && text[place - 1] !== "\\") quoted = !quoted;
    if (quoted || !/\s/.test(text[place] ?? "")) continue;
    if (place >= at) return [start, place];
    start = place + 1;
  }
  return [start, text.length];
}

export class Proposals {
  active = -1;
  items: Proposal[] = [];
  private timer = 0;
  private pending = false;
  private asking: AbortController | undefined;

  constructor(
    private readonly input: HTMLInputElement,
    private readonly list: HTMLElement,
    private readonly url: string,
    private readonly chosen: (item: Proposal) => void,
  ) {
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target instanceof Element && event.target.closest("li");
      const item = option && this.items[[...this.list.children].indexOf(option)];
      if (item) this.chosen(item);
    });
  }

  get isOpen(): boolean {
    return !this.list.hidden;
  }

  /** Open, or about to be. */
  get isActive(): boolean {
    return this.isOpen || this.pending;
  }

  /** Asks a moment later, unless it is called again; what was asked before is forgotten. */
  ask(word: string): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.pending = true;
    this.timer = setTimeout(() => void this.fetch(word), DEBOUNCE);
  }

  close(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.pending = false;
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  move(by: number): void {
    const count = this.items.length;
    if (!count) return;
    this.active = this.active < 0 && by < 0 ? count - 1 : (this.active + by + count) % count;
    [...this.list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === this.active));
      if (index !== this.active) return;
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }

  private async fetch(word: string): Promise<void> {
    const asking = (this.asking = new AbortController());
    const busy = setTimeout(() => this.input.setAttribute("aria-busy", "true"), 100);
    try {
      const url = `${this.url}?word=${encodeURIComponent(word)}`;
      const response = await fetch(url, { signal: asking.signal, redirect: "error" });
      if (response.ok) this.show(((await response.json()) as { items: Proposal[] }).items);
    } catch {
      // Somebody typed on, or the server is away: a search works without proposals.
    } finally {
      clearTimeout(busy);
      this.input.removeAttribute("aria-busy");
      if (this.asking === asking) this.pending = false;
    }
  }

  private show(items: Proposal[]): void {
    if (!items.length || document.activeElement !== this.input) return this.close();
    this.items = items;
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(...items.map(option));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    const status = document.getElementById("proposed");
    if (status) status.textContent = String(items.length);
  }
}

function option(item: Proposal, index: number): HTMLElement {
  const line = document.createElement("li");
  line.id = `proposal-${index}`;
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", "false");
  for (const [kind, text] of Object.entries({ label: item.label, hint: item.hint, count: item.count })) {
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = text;
    line.append(part);
  }
  return line;
}
