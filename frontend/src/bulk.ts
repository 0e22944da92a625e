// What is done to everything that is selected in a list.
import { selection } from "./selection";

/** The form sends what is selected, on whichever page, instead of the boxes that are ticked here. */
export function startBulk(): void {
  const form = document.getElementById("bulk");
  form?.addEventListener("formdata", ({ formData }) => {
    const now = selection();
    formData.delete("id");
    if ("ids" in now) formData.set("ids", JSON.stringify(now.ids));
    else {
      formData.set("filter", now.filter);
      formData.set("bound", now.bound);
    }
  });
}
