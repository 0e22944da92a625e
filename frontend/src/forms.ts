// Forms that are fetched from their own pages.

export const ASKED = { "X-Requested-With": "monitor" };

/** The page in an answer, without what is meant for browsers that run no scripts. */
export async function read(response: Response): Promise<Document> {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const plain of page.querySelectorAll("noscript")) plain.remove();
  return page;
}
